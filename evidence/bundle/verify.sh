#!/bin/sh
# Memeriksa bundel bukti ini tanpa jaringan: hanya sh POSIX, coreutils dan
# OpenSSL 3. Checks this evidence bundle offline: POSIX sh, coreutils, OpenSSL 3.
#
#   sh verify.sh [-k LOG-KEYS] [-t ROOTS.pem] [-s TSA-ROOTS.pem] [-w WITNESSES]
#                [-d DOCUMENT.pdf]
#
# -k  file with the verifier keys of the log and of its receipts, one a line, as
#     published by the office
# -t  PEM file with the certificate authorities that you trust for signers
# -s  the same for timestamps (default: -t)
# -w  file with verifier keys of witnesses who must have seen the log, one a line
# -d  the document that you hold, to be compared with the record
#
# Prints one line for every statement: "holds", "unproven" (nothing contradicts it,
# but it rests on a key that only this bundle names, or nothing here says whether
# a certificate was revoked, or a witness has said nothing, or what it rests on is
# not here) or "FAILS"; then what the record says. README.txt explains each statement. Exit status: 0 every
# statement holds, 1 some fail, 2 none fail and some are unproven, 64 usage, 69
# this machine lacks a tool.
#
# Functions leave what they find in variables: every $( ) is a process more.
LC_ALL=C SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/nonexistent # no authority counts because this machine trusts it
export LC_ALL SSL_CERT_FILE SSL_CERT_DIR
cr=$(printf '\r') nl='
'
here=$(cd "$(dirname "$0")" && pwd) || exit 64
logkeys='' roots='' tsaroots='' witnesses='' document=''
while getopts k:t:s:w:d: option; do
	case $option in
	k) logkeys=$OPTARG ;;
	t) roots=$OPTARG ;;
	s) tsaroots=$OPTARG ;;
	w) witnesses=$OPTARG ;;
	d) document=$OPTARG ;;
	*) echo 'sh verify.sh [-k LOG-KEYS] [-t ROOTS.pem] [-s TSA-ROOTS.pem] [-w WITNESSES] [-d DOCUMENT.pdf]' >&2; exit 64 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || { echo "verify.sh: what is $1? A document is named by -d" >&2; exit 64; }

# A tool that works otherwise would make true statements look false.
lacking() { echo "verify.sh: perlu $1, yang tidak ada di mesin ini / needs $1, which this machine lacks" >&2; exit 69; }
for tool in cat csplit date dirname head mktemp od openssl rm sha256sum tail tr wc; do
	command -v $tool >/dev/null 2>&1 || lacking "$tool (GNU coreutils, OpenSSL 3)"
done
[ "$(date -u -d 'Jan  2 03:04:05 2026 GMT' +%s 2>/dev/null)" = 1767323045 ] || lacking 'GNU coreutils'
case $(openssl version 2>/dev/null) in 'OpenSSL '[3-9].* | 'OpenSSL '[1-9][0-9].*) ;; *) lacking 'OpenSSL 3' ;; esac
[ $((1 << 40)) = 1099511627776 ] || lacking 'sh with numbers of 64 bits'

for f in "$logkeys" "$roots" "$tsaroots" "$witnesses" "$document"; do
	[ -z "$f" ] || [ -r "$f" ] || { echo "verify.sh: cannot read $f" >&2; exit 64; }
done
tmp=$(mktemp -d) || exit 64
finished='' # whatever ends the script before its end is a failure
trap 'rm -rf "$tmp"; [ -n "$finished" ] || exit 1' EXIT
trap 'exit 1' HUP INT TERM
for v in logkeys roots tsaroots witnesses; do # relative names are the caller's
	eval "f=\$$v"
	[ -z "$f" ] || { cat "$f" >"$tmp/arg-$v" && eval "$v=\$tmp/arg-$v"; }
done
case $document in '' | /*) ;; *) document=$PWD/$document ;; esac
for f in "$roots" "$tsaroots"; do
	[ -z "$f" ] || openssl x509 -inform PEM -in "$f" -noout 2>/dev/null && continue
	openssl x509 -inform DER -in "$f" -out "$tmp/pem" 2>/dev/null && cat "$tmp/pem" >"$f" && continue
	echo 'verify.sh: -t and -s want certificates in PEM' >&2
	finished=yes
	exit 64
done
[ -z "$roots" ] || roots=$(tr -d '\r\n\t ' <"$roots")
if [ -n "$tsaroots" ]; then tsaroots=$(tr -d '\r\n\t ' <"$tsaroots"); else tsaroots=$roots; fi
cd "$here" || exit 64
[ -n "$document" ] || [ ! -f document/document.pdf ] || document=$here/document/document.pdf

failed=0 unproven=0

# say STATE ID TEXT; the text may come from the bundle and reaches a terminal
say() {
	case $1 in
	fails) failed=1 s_state='FAILS   ' ;;
	unproven) unproven=1 s_state=unproven ;;
	*) s_state='holds   ' ;;
	esac
	plainly "$s_state $2: $3"
}
plain() { tr -d '\000-\010\013-\037\177'; }
plainly() { case $1 in *[!\ -~]*) printf '%s\n' "$1" | plain ;; *) printf '%s\n' "$1" ;; esac; }

# result STATUS PINNED ID TEXT WHY-NOT
result() {
	if [ "$1" -ne 0 ]; then say fails "$3" "$5"; elif [ "$2" -eq 0 ]; then say unproven "$3" "$4"; else say holds "$3" "$4"; fi
}

# digest FILE: its SHA-256 in hexadecimal goes to sum. Those of the files that
# SHA256SUMS lists are taken all at once, by sums_hold, as are their sizes.
digest() {
	case $sums in
	*"  $1$nl"*) sum=${sums%%"  $1$nl"*} sum=${sum##*"$nl"} ;;
	*) sum=$(sha256sum <"$1") && sum=${sum%% *} ;;
	esac
}
# sized FILE: how many bytes it has goes to sized
sized() {
	case $sizes in
	*" $1$nl"*) sized=${sizes%%" $1$nl"*} sized=${sized##*[!0-9]} ;;
	*) sized=$(wc -c <"$1") ;;
	esac
}
sums='' sizes=''
# same FILE FILE: both are there, and equal
same() { set -- $(sha256sum - "$2" <"$1") && [ $# -ge 4 ] && [ "$1" = "${3#\\}" ]; } # \ where the name has odd letters
# hex FILE: its bytes in hexadecimal go to hex
hex() {
	set -- $(od -An -v -tx1 <"$1")
	IFS=''
	hex="$*"
	unset IFS
}
# raw HEX: the bytes it stands for, as printf wants them, go to raw
raw() {
	raw='' r_rest=$1
	while [ -n "$r_rest" ]; do
		r_byte=${r_rest%"${r_rest#??}"} r_rest=${r_rest#??}
		r_byte=$((0x$r_byte))
		raw=$raw\\$((r_byte >> 6))$((r_byte >> 3 & 7))$((r_byte & 7))
	done
}
# decode TEXT: what stands there in base64 goes to hex; 1 when it is none, or has bits
# left over, so that another text is decoded to the same
decode() {
	hex=''
	base64ed "$1" || return 1
	set --
	d_bits=0 d_more=0
	while [ -n "$b_data" ]; do # six bits a letter, eight a byte
		d_before=${alphabet%%"${b_data%%"${b_data#?}"}"*} b_data=${b_data#?}
		d_bits=$(((d_bits & 255) << 6 | ${#d_before})) d_more=$((d_more + 6))
		[ $d_more -lt 8 ] || { d_more=$((d_more - 8)) && set -- "$@" $((d_bits >> d_more & 255)); }
	done
	[ $# -eq 0 ] || hex=$(printf %02x "$@")
	[ $((d_bits & (1 << d_more) - 1)) -eq 0 ]
}
alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
# base64ed TEXT: it is base64; length is that of what it stands for
base64ed() {
	b_data=${1%=}
	b_data=${b_data%=}
	case $b_data in *[!A-Za-z0-9+/]*) return 1 ;; esac
	length=$((${#1} / 4 * 3 - ${#1} + ${#b_data}))
	[ $((${#1} % 4)) -eq 0 ]
}
# hash TEXT: the 32 bytes that stand there in base64 go to hex
hash() { [ ${#1} -eq 44 ] && decode "$1" && [ ${#hex} -eq 64 ]; }
number() { case $1 in '' | *[!0-9]* | 0?* | ????????????????*) return 1 ;; esac; }
# contents FILE: all of it, which has no NUL, goes to body
contents() {
	{ body=$(cat "$1" && echo .); } 2>/dev/null || return 1
	body=${body%.}
	sized "$1"
	[ ${#body} -eq "$sized" ]
}
# oneline FILE: its only line goes to body
oneline() {
	contents "$1" || return 1
	case $body in "$nl" | *"$nl"?* | *"$cr"*) return 1 ;; *"$nl") body=${body%"$nl"} ;; *) return 1 ;; esac
}
# ended FILE: lines, all of them with their ends, and no NUL, which sh would read over
ended() {
	e_bytes=$(od -An -v -tx1 <"$1") || return 1
	case $e_bytes in *' 00'*) return 1 ;; *' 0a') ;; *) return 1 ;; esac
}
span() { tail -c +$(($2 + 1)) "$1" | head -c "$3"; } # FILE FROM LENGTH: a part of a file
epoch() { date -u -d "$1" +%s 2>/dev/null; }
iso() { [ -z "$1" ] || date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

# vkey KEY TYPE: name and id of a verifier key whose type is right; its
# SubjectPublicKeyInfo, of an Ed25519 key (RFC 8410), goes to $tmp/spki
vkey() {
	name=${1%%+*} rest=${1#*+}
	id=${rest%%+*} data=${rest#*+}
	case $vkeys in
	*"$nl$1$nl"*) hex=${vkeys#*"$nl$1$nl"} hex=${hex%%"$nl"*} ;; # one that was here before
	*)
		[ ${#data} -eq 44 ] && decode "$data" && [ ${#hex} -eq 66 ] || return 1
		raw "$hex"
		printf "%s\n$raw" "$name" >"$tmp/named"
		digest "$tmp/named"
		[ "${sum%"${sum#????????}"}" = "$id" ] || return 1
		vkeys=$vkeys$nl$1$nl$hex$nl
		;;
	esac
	case $hex in "$2"*) ;; *) return 1 ;; esac
	raw "302a300506032b6570032100${hex#??}"
	printf "$raw" >"$tmp/spki"
}
vkeys=''

# utf8 FILE: it is UTF-8 without controls but newlines
utf8() {
	u_more=0
	for u in $(od -An -v -tx1 <"$1"); do
		u=$((0x$u))
		if [ $u_more -gt 0 ]; then
			[ $u -ge $u_low ] && [ $u -le $u_high ] || return 1
			u_more=$((u_more - 1)) u_low=128 u_high=191
		elif [ $u -lt 128 ]; then
			[ $u -ge 32 ] || [ $u -eq 10 ] || return 1
		else
			u_low=128 u_high=191
			case $u in 224) u_low=160 ;; 237) u_high=159 ;; 240) u_low=144 ;; 244) u_high=143 ;; esac
			if [ $u -lt 194 ]; then return 1; elif [ $u -lt 224 ]; then u_more=1; elif [ $u -lt 240 ]; then u_more=2; elif [ $u -lt 245 ]; then u_more=3; else return 1; fi
		fi
	done
	[ $u_more -eq 0 ]
}

# sigline LINE: a signature line of a note: its parts to s_name and s_data
sigline() {
	case $1 in '— '?*' '?*) ;; *) return 1 ;; esac
	s_data=${1#'— '} s_name=${1#'— '}
	s_name=${s_name%% *} s_data=${s_data#* }
	case $s_name in '' | *+*) return 1 ;; esac
	case $s_name in *[!\ -~]*) s_odd=$(printf '%s' "$s_name" | od -An -v -tx1 | tr -d '\n') ;; *) s_odd='' ;; esac
	case $s_odd in # the spaces of Unicode
	*' c2 85'* | *' c2 a0'* | *' e1 9a 80'* | *' e2 80 8'[0-9a]* | *' e2 80 a8'* | *' e2 80 a9'* | *' e2 80 af'* | *' e2 81 9f'* | *' e3 80 80'*) return 1 ;;
	esac
	base64ed "$s_data" && [ $length -ge 5 ]
}

# signature BYTES: what the key of that id signed goes to hex, id and signature together,
# of so many bytes; 1 when the line is of another key, 2 when it is not of that length
signature() {
	s_bytes=$length
	decode "${s_data%%"${s_data#????????}"}" # that alone: a line can be as long as a note
	case $hex in "$id"*) ;; *) return 1 ;; esac
	[ "$s_bytes" -eq "$1" ] && decode "$s_data" || return 2
}

# isnote FILE OUT: it has the form of a note (C2SP signed-note); its text goes to
# OUT, its signature lines to $tmp/sigs
isnote() {
	[ -f "$1" ] && sized "$1" && [ "$sized" -le 65536 ] && ended "$1" || return 1
	: >"$2"
	: >"$tmp/sigs"
	part=text n_sigs=0 odd=''
	while IFS= read -r line; do
		case ${line#'— '} in *[!\ -~]*) odd=yes ;; esac
		if [ $part = sigs ]; then
			n_sigs=$((n_sigs + 1))
			[ $n_sigs -le 100 ] && sigline "$line" && printf '%s\n' "$line" >>"$tmp/sigs" || return 1
		elif [ -z "$line" ]; then
			part=sigs
		else
			printf '%s\n' "$line" >>"$2"
		fi
	done <"$1"
	[ $n_sigs -gt 0 ] || return 1
	[ -z "$odd" ] || utf8 "$1"
}

# signedby KEY TEXT: 0 when a line of $tmp/sigs is the signature of KEY, a vkey,
# over TEXT; 1 when there is none, 2 when it does not hold
signedby() {
	vkey "$1" 01 || return 2
	while IFS= read -r line; do
		case $line in "— $name "*) ;; *) continue ;; esac
		sigline "$line" || continue
		signature 68
		case $? in 1) continue ;; 2) return 2 ;; esac
		raw "${hex#????????}"
		printf "$raw" >"$tmp/sig64"
		openssl pkeyutl -verify -pubin -keyform DER -inkey "$tmp/spki" -rawin -in "$2" -sigfile "$tmp/sig64" >/dev/null 2>&1 || return 2
		return 0
	done <"$tmp/sigs"
	return 1
}

# anynote FILE KEYS OUT: FILE is a note that some key of a file has signed, and that
# carries no false signature of another; its text goes to OUT, the name and the id of
# the key to name and id
anynote() {
	isnote "$1" "$3" || return 1
	good='' good_id=''
	while IFS= read -r candidate; do
		signedby "$candidate" "$3"
		case $? in
		0) [ -n "$good" ] || good=$name good_id=$id ;;
		2) return 1 ;;
		esac
	done <"$2"
	name=$good id=$good_id
	[ -n "$good" ]
}

# whole FILE [AT SIZE]: one DER or BER object, of all of it or of a part, and nothing
# behind it
whole() {
	w_file=$1 w_at=${2:-0} w_size=${3:-}
	[ -n "$w_size" ] || { sized "$1" && w_size=$sized; } || return 1
	set -- $(od -An -v -tu1 -j "$w_at" -N 8 "$1")
	[ $# -ge 2 ] && [ $(($1 & 31)) -ne 31 ] || return 1
	if [ "$2" -eq 128 ]; then # of a length that is not told: the outermost is the only one
		span "$w_file" "$w_at" "$w_size" >"$tmp/part"
		openssl asn1parse -inform DER -in "$tmp/part" >"$tmp/parsed" 2>/dev/null || return 1
		w_n=0
		while IFS= read -r line; do case $line in *:d=0' '*) w_n=$((w_n + 1)) ;; esac; done <"$tmp/parsed"
		[ $w_n -eq 1 ]
		return
	fi
	w_end=$((2 + $2))
	if [ "$2" -gt 128 ]; then
		w_n=$(($2 - 128)) w_end=0
		[ $# -ge $((2 + w_n)) ] && [ $w_n -le 6 ] || return 1
		shift 2
		w_head=$((2 + w_n))
		while [ $w_n -gt 0 ]; do w_end=$(((w_end << 8) + $1)) w_n=$((w_n - 1)); shift; done
		w_end=$((w_end + w_head))
	fi
	[ $w_end -eq "$w_size" ]
}

# head_of TEXT: origin, size and root of a checkpoint into variables; the root in
# hexadecimal to hex
head_of() {
	{ IFS= read -r h_origin && IFS= read -r h_size && IFS= read -r h_root; } <"$1" || return 1
	[ "$h_origin" = "$origin" ] && number "$h_size" && hash "$h_root"
}

# hashed HEX: the SHA-256 of those bytes goes to sum
hashed() {
	raw "$1"
	printf "$raw" >"$tmp/hashed"
	digest "$tmp/hashed"
}
# node LEFT RIGHT: the hash of a node above two others goes to sum
node() { hashed "01$1$2"; }

# --- files ---
# mayhave NAME: a bundle may have a file of that name beside script and instructions
mayhave() {
	case $1 in
	log/origin.txt | log/keys.txt | log/checkpoint.note | log/timestamp.tst | log/tsa.pem | log/earlier.note | log/consistency.txt) ;;
	log/successor-[1-9].note | log/successor-[1-9][0-9].note) ;;
	entries/[1-9]/record.json | entries/[1-9]/salt.bin | entries/[1-9]/receipt.note | entries/[1-9]/proof.tlog-proof) ;;
	entries/[1-9][0-9]/record.json | entries/[1-9][0-9]/salt.bin | entries/[1-9][0-9]/receipt.note | entries/[1-9][0-9]/proof.tlog-proof) ;;
	signature/cms.der | signature/attributes.der | signature/value.bin | signature/algorithm.txt | signature/signer.pem) ;;
	signature/timestamp-[1-9].tst | signature/timestamp-[1-9][0-9].tst | signature/timestamp-[1-9].pem | signature/timestamp-[1-9][0-9].pem) ;;
	document/timestamp-[1-9].tst | document/timestamp-[1-9][0-9].tst | document/timestamp-[1-9].pem | document/timestamp-[1-9][0-9].pem) ;;
	revocation/[1-9].ocsp | revocation/[1-9][0-9].ocsp | revocation/[1-9][0-9][0-9].ocsp) ;;
	revocation/[1-9].crl | revocation/[1-9][0-9].crl | revocation/[1-9][0-9][0-9].crl) ;;
	report/report.json | report/report.xml | report/report.txt | report/report.pdf | document/document.pdf | document/ranges.txt) ;;
	*) return 1 ;;
	esac
}

# sums_hold: each line of SHA256SUMS is a digest, two spaces and the name of a file
# that has it; sha256sum -c would take other forms, and comments
sums_hold() {
	ended SHA256SUMS || return 1
	list='' names=''
	while IFS= read -r line; do
		f=${line#*  }
		[ "$line" = "${line%%  *}  $f" ] && [ -f "$f" ] || return 1
		case $f in README.txt | verify.sh) ;; *) mayhave "$f" || return 1 ;; esac
		case "$names " in *" $f "*) return 1 ;; esac
		list=$list$nl$line names="$names $f"
	done <SHA256SUMS
	[ -n "$names" ] && sums=$nl$(sha256sum $names)$nl sizes=$nl$(wc -c $names)$nl && [ "$sums" = "$list$nl" ] || return 1
	# every file that is there is listed; what lies beside this script is not looked at
	for f in log/* entries/*/* signature/* revocation/* report/* document/*; do
		[ -f "$f" ] || continue
		case "$names " in *" $f "*) ;; *) return 1 ;; esac
	done
	stray=$(astray)
	[ -z "$stray" ]
}

# without FILE OTHER: FILE is there, and OTHER, without which it says nothing, is not
without() { [ -e "$1" ] && [ ! -e "$2" ] && echo "$1"; }

# astray: names files that no statement rests on: behind a gap in the numbers, or
# without what they are a part of
astray() {
	for f in log/* entries/* entries/*/* signature/* revocation/* report/* document/* log/.?* entries/.?* entries/*/.?* signature/.?* revocation/.?* report/.?* document/.?*; do
		case $f in
		entries/[1-9] | entries/[1-9][0-9] | */. | */..) ;;
		*) mayhave "$f" || [ ! -e "$f" ] || echo "$f" ;;
		esac
	done
	without log/tsa.pem log/timestamp.tst
	without log/earlier.note log/consistency.txt
	without log/consistency.txt log/earlier.note
	for f in entries/*/*; do without "$f" "${f%/*}/record.json"; done
	for f in signature/*; do without "$f" signature/cms.der; done
	for f in signature/timestamp-*.pem document/timestamp-*.pem; do without "$f" "${f%.pem}.tst"; done
	[ -e document/document.pdf ] || without document/ranges.txt signature/cms.der
	for f in entries/*/record.json log/successor-*.note signature/timestamp-*.tst document/timestamp-*.tst revocation/*; do
		[ -e "$f" ] || continue
		front=${f%%[1-9]*}
		back=${f#"$front"}
		number=${back%%[!0-9]*}
		back=${back#"$number"}
		[ "${number:-0}" -gt 1 ] || continue
		case $f in
		revocation/*) [ -e "revocation/$((number - 1)).ocsp" ] || without "$f" "revocation/$((number - 1)).crl" ;;
		*) without "$f" "$front$((number - 1))$back" ;;
		esac
	done
	for f in revocation/*.crl; do [ -e "$f" ] && [ -e "${f%.crl}.ocsp" ] && echo "$f"; done
}
sums_hold
result $? 1 files 'every file is the one that SHA256SUMS lists' "a file is missing, changed, not in SHA256SUMS, or belongs to nothing${stray:+: $stray}"

# --- log key, checkpoint ---
if oneline log/origin.txt; then origin=$body; else origin='?'; fi
lines() { tr -d '\r\t ' <"$1"; echo; } # of keys, however the file was edited
howmany() { n_lines=0; while IFS= read -r line; do n_lines=$((n_lines + 1)); done <"$1"; }
if [ -n "$logkeys" ]; then
	lines "$logkeys" >"$tmp/given"
	while IFS= read -r k; do [ -z "$k" ] || printf '%s\n' "$k"; done <"$tmp/given" >"$tmp/keys"
	n=1
	while [ -f log/successor-$n.note ]; do
		if anynote log/successor-$n.note "$tmp/keys" "$tmp/successor"; then
			by=$name
			{ IFS= read -r s_head && IFS= read -r s_origin && IFS= read -r s_key; } <"$tmp/successor"
			[ "$s_head" = absah/log-key/1 ] && [ "$s_origin" = "$origin" ] && [ "$by" = "$origin" ] && howmany "$tmp/successor" && [ $n_lines -eq 3 ] &&
				vkey "$s_key" 01 && [ "$name" = "$origin" ] && printf '%s\n' "$s_key" >>"$tmp/keys"
		fi
		n=$((n + 1))
	done
	pinned=1
else
	cat log/keys.txt >"$tmp/keys"
	pinned=0
fi
: >"$tmp/logkeys"
while IFS= read -r k; do
	case $k in "$origin+"*) printf '%s\n' "$k" >>"$tmp/logkeys" ;; esac
done <"$tmp/keys"
known_form() { while IFS= read -r k; do vkey "$k" 01 || return 1; done <"$1"; } # one that is none spoils the list
[ "$origin" != '?' ] && ended log/keys.txt && howmany log/keys.txt && [ $n_lines -le 64 ] && known_form "$tmp/keys" &&
	anynote log/checkpoint.note "$tmp/logkeys" "$tmp/checkpoint" && head_of "$tmp/checkpoint"
signed=$?
size=${h_size:-0} root=${h_root:-} roothash=$hex
if [ $pinned -eq 1 ]; then text='signed with a key that you name, or its successor'; else text='only this bundle says that the key is its'; fi
result $signed $pinned log-key "log $origin, $text" 'the state of the log is not signed with the keys that you name, nor with their successors'
result $signed 1 checkpoint "the log had $size entries, root $root" 'not a state of the log signed with its key'

# --- entries ---
if [ $signed -eq 0 ] && contents log/checkpoint.note; then checkpoint=$body; else checkpoint=''; fi
# inclusion PROOF LEAFHASH, in hexadecimal: RFC 9162, section 2.1.3.2
inclusion() {
	part=top extra=''
	ended "$1" || return 1
	under='' r=$2
	while IFS= read -r line; do
		case $part in
		top) [ "$line" = c2sp.org/tlog-proof@v1 ] || return 1; part=index ;;
		index)
			case $line in
			'extra '*) [ -z "$extra" ] || return 1; extra=yes ;;
			'index '*) index=${line#index }; number "$index" && [ "$index" -lt "$size" ] || return 1; fn=$index sn=$((size - 1)) part=path ;;
			*) return 1 ;;
			esac
			;;
		path)
			if [ -z "$line" ]; then part=under; continue; fi
			[ "$sn" -ne 0 ] || return 1
			hash "$line" || return 1
			if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
				node "$hex" "$r"
				while [ $((fn & 1)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
			else
				node "$r" "$hex"
			fi
			r=$sum
			fn=$((fn >> 1)) sn=$((sn >> 1))
			;;
		under) under=$under$line$nl ;;
		esac
	done <"$1"
	[ $part = under ] && [ "$sn" -eq 0 ] && [ "$r" = "$roothash" ] || return 1
	# the checkpoint in the proof is the one above, perhaps with cosignatures, and
	# nothing else
	[ "$under" != "$checkpoint" ] || return 0
	case $under in "$checkpoint"*) ;; *) return 1 ;; esac
	printf '%s' "$under" >"$tmp/under"
	anynote "$tmp/under" "$tmp/logkeys" "$tmp/seen"
}

# member NAME: its value in $record goes to member. In canonical JSON operation, organisation,
# phase, kind, time and intent stand behind all others that could have such a name.
member() {
	case $record in
	*"\"$1\":\""*) member=${record##*"\"$1\":\""} member=${member%%\"*} ;;
	*) member='' ;;
	esac
}

# receipt_text FILE KEYS: the eight lines of a receipt that one of the keys has
# signed go to $tmp/receipt. Of several that share a signature each stands before the list of
# their digests, which is what is signed.
receipt_text() {
	ended "$1" || return 1
	: >"$tmp/own"
	: >"$tmp/list.note"
	part=own list=''
	while IFS= read -r line; do
		case $part in
		own)
			if [ -z "$line" ]; then part=first; else printf '%s\n' "$line" >>"$tmp/own"; fi
			;;
		*)
			[ $part = list ] || list=$line
			part=list
			printf '%s\n' "$line" >>"$tmp/list.note"
			;;
		esac
	done <"$1"
	if [ "$list" != absah/receipts/1 ]; then
		anynote "$1" "$2" "$tmp/receipt"
		return
	fi
	anynote "$tmp/list.note" "$2" "$tmp/list" || return 1
	cat "$tmp/own" >"$tmp/receipt"
	digest "$tmp/own"
	n_lines=0 found=1
	while IFS= read -r line; do
		n_lines=$((n_lines + 1))
		case $n_lines in
		1) ;;
		2) [ "$line" = "$origin" ] || return 1 ;;
		3) [ "$line" = "$id" ] || return 1 ;;
		*) [ "$line" != "$sum" ] || found=0 ;;
		esac
	done <"$tmp/list"
	return $found
}

# receipt_holds FOLDER: sets named to 1 when a key that you name has signed it
receipt_holds() {
	named=$pinned
	if [ $pinned -eq 0 ] || ! receipt_text "$1/receipt.note" "$tmp/keys"; then
		named=0
		receipt_text "$1/receipt.note" log/keys.txt || return 1
	fi
	{ IFS= read -r r1 && IFS= read -r r2 && IFS= read -r r3 && IFS= read -r r4 && IFS= read -r r5 && IFS= read -r r6 && IFS= read -r r7 && IFS= read -r r8; } <"$tmp/receipt" || return 1
	[ "$r1" = absah/receipt/1 ] && [ "$r2" = "$origin" ] && [ "$name" = "$origin/receipt" ] && [ "$r3" = "$id" ] && [ "$r6" = "$leaf" ] || return 1
	member kind
	[ "$r4" = "$of" ] && [ "$r5" = "$phase $member" ] && [ "$r7" = "$time" ]
}

outcome='' said='' operation='' organisation='' same_operation=0 intent='' cosigned=1
n=1
while [ -f entries/$n/record.json ]; do
	dir=entries/$n
	record=$(cat $dir/record.json)
	cat $dir/salt.bin $dir/record.json >"$tmp/salted"
	digest "$tmp/salted"
	leaf=$sum
	hashed "00$leaf"
	under=''
	[ $signed -eq 0 ] && sized $dir/salt.bin && [ "$sized" -eq 32 ] && inclusion $dir/proof.tlog-proof "$sum"
	proven=$?
	[ $n -ne 1 ] || { printf '%s' "$under" >"$tmp/cosigned" && cosigned=$proven; }
	member time && time=$member
	member phase && phase=$member
	member operation && of=$member
	result $proven 1 entry-$n "$phase of $of, $time, is entry ${index:-?} of the log" 'the record is not in the log'
	if [ -f $dir/receipt.note ]; then
		receipt_holds $dir
		held=$?
		if [ $named -eq 1 ]; then text='by a receipt key that you name'; else text='by a key that only the bundle names'; fi
		result $held $named receipt-$n "the log promised it by ${r8:-?}, $text" 'the receipt is of another record, or not signed'
	elif [ "$phase" != intent ]; then
		say unproven receipt-$n 'there is none: nothing shows that the gateway wrote the record'
	fi
	member organisation
	[ $n -eq 1 ] && operation=$of organisation=$member
	[ -n "$operation" ] && [ "$of" = "$operation" ] && [ "$member" = "$organisation" ] || same_operation=1
	case $phase in
	intent) intent=$leaf ;;
	event) [ -n "$outcome" ] || said=$said$record ;;
	outcome)
		outcome=$record said=$record
		member intent
		[ -z "$member" ] || [ "$member" = "$intent" ] || same_operation=1
		;;
	esac
	n=$((n + 1))
done
[ $n -gt 1 ] && [ $n -le 65 ] || same_operation=1
ended=1
[ -n "$outcome" ] || [ -z "$intent" ] || ended=0
result $same_operation $ended operation "$operation of $organisation" 'the records are of different operations'

# --- certificates and times ---
# split PEM: the certificates of a path, each as OpenSSL would write it anew: nothing
# hides in one or between them. They go to ${certs}1.pem, ${certs}2.pem …, what OpenSSL
# says of them to ${certs}1.txt …, and how many there are to count. A path with the same
# bytes as one before is that one.
split() {
	contents "$1" || return 1
	case $body in *[!A-Za-z0-9+/=" $nl"-]*) return 1 ;; '-----BEGIN CERTIFICATE-----'*) ;; *) return 1 ;; esac
	case $paths in
	*"|$body|"*)
		count=${paths%%"|$body|"*}
		count=${count##*|}
		certs=$tmp/path${count#* }- count=${count% *}
		return
		;;
	esac
	n_paths=$((n_paths + 1)) count=0 rest=$body
	certs=$tmp/path$n_paths-
	while [ -n "$rest" ]; do
		count=$((count + 1)) one=${rest%%"$end"*}$end
		case $rest in "$one"*) rest=${rest#"$one"} ;; *) return 1 ;; esac
		[ $count -le 16 ] && printf '%s' "$one" >"$certs$count.pem" || return 1
		openssl x509 -in "$certs$count.pem" -serial -subject -nameopt RFC2253,-esc_msb -fingerprint -sha256 >"$certs$count.txt" 2>/dev/null || return 1
		about $count
		[ "$pem" = "$one" ] || return 1
	done
	[ $count -gt 0 ] || return 1
	paths="$paths|$count $n_paths|$body|"
}
end="-----END CERTIFICATE-----$nl" paths='' n_paths=0

# about N: serial, subject, print and pem of a certificate of the path just split
about() {
	serial='' subject='' print='' pem=''
	while IFS= read -r line; do
		case $line in
		serial=*) serial=${line#serial=} ;;
		subject=*) subject=${line#subject=} ;;
		*' Fingerprint='*) print=$line ;;
		*) pem=$pem$line$nl ;;
		esac
	done <"$certs$1.txt"
}

# field NAME TEXT: the rest of the first line that begins, after blanks, with NAME, to
# field; the lines behind it to behind
field() {
	behind=$2
	while :; do
		case $behind in *"$1"*) ;; *) return 1 ;; esac
		f_before=${behind%%"$1"*} field=${behind#*"$1"}
		case $field in *"$nl"*) behind=${field#*"$nl"} ;; *) behind='' ;; esac
		case ${f_before##*"$nl"} in
		*[![:space:]]*) ;;
		*) field=${field%%"$nl"*} field=${field# }; return ;;
		esac
	done
}

# response FILE: an OCSP response, and the answer in it, with nothing behind them; as
# text to out
response() {
	whole "$1" && out=$(openssl ocsp -respin "$1" -noverify -respout "$tmp/again" -resp_text 2>/dev/null) && same "$tmp/again" "$1" || return 1
	openssl asn1parse -inform DER -in "$1" >"$tmp/asn1" 2>/dev/null || return 1
	while IFS= read -r line; do
		case $line in *:d=3' '*'OCTET STRING'*) ;; *) continue ;; esac
		place "$line"
		whole "$1" $((p_at + p_head)) "$p_length"
		return
	done <"$tmp/asn1"
	return 1
}

# place LINE: where an object is by a line of asn1parse, and how long its parts are
place() {
	p_at=${1%%:*} p_head=${1#*hl=} p_length=${1#* l=}
	p_at=$((${p_at##* })) p_head=$((${p_head%% *})) p_length=${p_length#"${p_length%%[! ]*}"}
	p_length=${p_length%% *}
}

# Of each OCSP response the numbers that it is about, when it was made, and its name;
# one that is not whole says nothing.
: >"$tmp/answers"
for o in revocation/*.ocsp; do
	[ -f "$o" ] && response "$o" && field 'Produced At:' "$out" && made=$(epoch "$field") || continue
	while field 'Serial Number:' "$out"; do
		out=$behind
		case $field in '' | *[!-0-9A-F]*) continue ;; esac # of a certificate that it brings along
		printf '%s %s %s\n' "$field" "$made" "$o" >>"$tmp/answers"
	done
done

# listed SERIAL CRL: the time since which the list in PEM has the number revoked
listed() {
	openssl crl -in "$2" -noout -text >"$tmp/crltext" 2>/dev/null || return 1
	found=''
	while IFS= read -r line; do
		line=${line#"${line%%[![:space:]]*}"}
		case $line in
		"Serial Number: $1") found=yes ;;
		'Revocation Date: '*) [ -z "$found" ] || { epoch "${line#Revocation Date: }"; return; } ;;
		esac
	done <"$tmp/crltext"
	return 1
}

# fresh THIS NEXT TIME AUTHORITY: what was made at THIS, to be followed at NEXT, speaks
# for TIME: made at most a day before; of an authority's certificate not yet followed
fresh() {
	[ "$1" -ge $(($3 - 86400)) ] && return 0
	[ "$4" -eq 1 ] && [ -n "$2" ] && next=$(epoch "$2") && [ "$next" -ge "$3" ]
}

# words N: what OCSP responses and CRLs say of certificate N of the path just split
# goes to ${certs}N.words: "good THIS NEXT" or "revoked SINCE"
words() {
	[ ! -f "$certs$1.words" ] || return 0
	: >"$certs$1.words"
	cert=$certs$1.pem issuer=${certs}$(($1 + 1)).pem
	about "$1"
	set -- "$certs$1.words"
	while IFS=' ' read -r of_serial made o; do
		[ "$of_serial" = "$serial" ] || continue
		# how old it is by today's clock does not matter: a century is allowed
		out=$(openssl ocsp -validity_period 3000000000 -respin "$o" -issuer "$issuer" -cert "$cert" -no_nonce -CAfile "$issuer" -no-CApath -no-CAstore -partial_chain -attime "$made" 2>&1) || continue
		field 'Response verify OK' "$out" && field 'This Update:' "$out" && this=$(epoch "$field") || continue
		field "$cert:" "$out" || continue
		case $field in
		good)
			field 'Next Update:' "$out" || field=''
			printf 'good %s %s\n' "$this" "$field" >>"$1"
			;;
		revoked)
			field 'Revocation Time:' "$out" && when=$(epoch "$field") || when=0
			printf 'revoked %s\n' "$when" >>"$1"
			;;
		esac
	done <"$tmp/answers"
	for l in revocation/*.crl; do
		[ -f "$l" ] && openssl crl -inform DER -in "$l" -outform DER -out "$tmp/again" 2>/dev/null && same "$tmp/again" "$l" || continue
		openssl crl -inform DER -in "$l" -out "$tmp/crl.pem" 2>/dev/null || continue
		this=$(openssl crl -in "$tmp/crl.pem" -noout -lastupdate 2>/dev/null) && this=$(epoch "${this#*=}") || continue
		if out=$(openssl verify -crl_check -CRLfile "$tmp/crl.pem" -CAfile "$issuer" -no-CApath -no-CAstore -partial_chain -purpose any -attime "$this" "$cert" 2>&1); then
			next=$(openssl crl -in "$tmp/crl.pem" -noout -nextupdate 2>/dev/null) || next=''
			printf 'good %s %s\n' "$this" "${next#*=}" >>"$1"
		else
			case $out in *'certificate revoked'*) ;; *) continue ;; esac
			when=$(listed "$serial" "$tmp/crl.pem") || when=0
			printf 'revoked %s\n' "$when" >>"$1"
		fi
	done
}

# word N TIME: 0 when some OCSP response or CRL says that certificate N was good at
# TIME, 2 when one says that it was revoked by then, 1 when none says anything
word() {
	words "$1"
	answer=1
	while IFS=' ' read -r state this next; do
		if [ "$state" = revoked ]; then
			[ "$this" -gt "$2" ] || return 2
			answer=0
		else
			fresh "$this" "$next" "$2" $(($1 > 1)) && answer=0
		fi
	done <"$certs$1.words"
	return $answer
}

# flat TEXT: without blanks and ends of lines, to flat
flat() {
	set -- $1
	IFS=''
	flat="$*"
	unset IFS
}

# path PEM ANCHORS TIME PURPOSE: the path is valid at TIME, and its last certificate
# is one of the anchors: of those before it something must say that they were not
# revoked. That one alone is left as $anchor.
path() {
	split "$1" || return 1
	anchor=$certs$count.pem
	if [ -n "$2" ]; then
		about "$count"
		flat "$pem"
		case $2 in *"$flat"*) ;; *) return 1 ;; esac
	fi
	openssl verify -attime "$3" -purpose "$4" -partial_chain -CAfile "$anchor" -no-CApath -no-CAstore -untrusted "$1" "${certs}1.pem" >/dev/null 2>&1
}

# notrevoked TIME: no certificate of the path just split, but the last; sets
# known to 0 when nothing is said of one of them
notrevoked() {
	i=1 known=1
	while [ $i -lt "$count" ]; do
		word $i "$1"
		case $? in
		1) known=0 ;;
		2) return 1 ;;
		esac
		i=$((i + 1))
	done
}

# imprint TEXT: the hexadecimal imprint in what OpenSSL says of a token
imprint() {
	printf '%s\n' "$1" >"$tmp/ts"
	part=''
	while IFS= read -r line; do
		case $line in
		'Message data:'*) part=yes ;;
		'    0'[0-9a-f][0-9a-f]0' - '*) [ -z "$part" ] || { line=${line#'    0'??'0 - '}; printf '%.47s' "$line" | tr -d ' -'; } ;;
		*) part='' ;;
		esac
	done <"$tmp/ts"
}

# stamp TOKEN DATA PEM: sets time, in seconds, when the timestamp holds, and known.
# DATA is '' for a token of which only the token itself says what it is over.
stamp() {
	time='' known=1
	whole "$1" || return 1
	ts=$(openssl ts -reply -in "$1" -token_in -token_out -text 2>/dev/null) && field 'Time stamp:' "$ts" && t=$(epoch "$field") || return 1
	path "$3" "$tsaroots" "$t" timestampsign || return 1
	# A token brings certificates along: it must be the first of the path that
	# has signed, not another authority's, of which nothing else is said.
	openssl cms -verify -noverify -nointern -binary -inform DER -in "$1" -certfile "${certs}1.pem" -out /dev/null >/dev/null 2>&1 || return 1
	if [ -n "$2" ]; then set -- "$1" "$3" -data "$2"; else set -- "$1" "$3" -digest "$(imprint "$ts")"; fi
	openssl ts -verify -in "$1" -token_in "$3" "$4" -CAfile "$anchor" -untrusted "$2" -partial_chain -attime "$t" >/dev/null 2>&1 || return 1
	notrevoked "$t" || return 1
	time=$t
}

if [ -n "$tsaroots" ]; then tsapinned=1; else tsapinned=0; fi
logged=''
if [ -f log/timestamp.tst ]; then
	stamp log/timestamp.tst log/checkpoint.note log/tsa.pem
	result $? $((tsapinned & known)) log-time "the state of the log existed at $(iso "$time")" 'the timestamp is over something else, or its authority is none of those that you trust'
	logged=$time
else
	say unproven log-time 'no timestamp says when the state of the log existed'
fi

# --- witnesses: C2SP tlog-cosignature ---
# seen KEY: the witness has cosigned the checkpoint under which entry 1 is proven;
# 0 when it has, with the time in when, 1 when it has not, 2 when it lies
seen() {
	vkey "$1" 04 || return 2
	answer=1
	while IFS= read -r line; do
		case $line in "— $name "*) ;; *) continue ;; esac
		sigline "$line" || return 2
		signature 76
		case $? in 1) continue ;; 2) return 2 ;; esac
		hex=${hex#????????}
		when=${hex%"${hex#????????????????}"}
		case $when in [0-7]*) when=$((0x$when)) ;; *) return 2 ;; esac
		raw "${hex#????????????????}"
		printf "$raw" >"$tmp/sig64"
		{ printf 'cosignature/v1\ntime %s\n' "$when"; cat "$tmp/checkpoint"; } >"$tmp/seen"
		openssl pkeyutl -verify -pubin -keyform DER -inkey "$tmp/spki" -rawin -in "$tmp/seen" -sigfile "$tmp/sig64" >/dev/null 2>&1 || return 2
		answer=0
	done <"$tmp/cosigned"
	return $answer
}

if [ -n "$witnesses" ]; then
	all=0 known=1 text=''
	lines "$witnesses" >"$tmp/witnesses"
	[ $signed -eq 0 ] && [ $cosigned -eq 0 ] || all=1
	while IFS= read -r k; do
		case $k in *+*) ;; *) continue ;; esac
		seen "$k"
		case $? in
		0) text="$text, $name at $(iso "$when")" ;;
		1) known=0 ;;
		*) all=1 ;;
		esac
	done <"$tmp/witnesses"
	[ -n "$text" ] || text=', nobody'
	result $all $known witnesses "of those that you name, this was seen by${text#,}" 'what stands there as the word of a witness that you name is not'
fi

# --- consistency: RFC 9162, section 2.1.4.2 ---
consistent() {
	if [ -n "$logkeys" ]; then k=$tmp/logkeys; else k=log/keys.txt; fi
	anynote log/earlier.note "$k" "$tmp/earlier" && head_of "$tmp/earlier" || return 1
	oldhash=$hex
	old=$h_size
	first=1 path=''
	ended log/consistency.txt || return 1
	while IFS= read -r line; do
		if [ $first -eq 1 ]; then
			[ "$line" = "old $old" ] || return 1
			first=0
			continue
		fi
		hash "$line" || return 1
		path="$path $hex"
	done <log/consistency.txt
	[ "$old" -ge 1 ] && [ "$old" -le "$size" ] || return 1
	set -- $path
	if [ "$old" -eq "$size" ]; then [ $# -eq 0 ] && [ "$oldhash" = "$roothash" ]; return; fi
	fn=$((old - 1)) sn=$((size - 1))
	while [ $((fn & 1)) -eq 1 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
	if [ $fn -eq 0 ]; then # the old tree is complete: its root starts the proof
		fr=$oldhash
	else
		[ $# -ge 1 ] || return 1
		fr=$1
		shift
	fi
	sr=$fr
	for p in "$@"; do
		[ $sn -ne 0 ] || return 1
		if [ $((fn & 1)) -eq 1 ] || [ $fn -eq $sn ]; then
			node "$p" "$fr"
			fr=$sum
			node "$p" "$sr"
			while [ $((fn & 1)) -eq 0 ] && [ $fn -ne 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
		else
			node "$sr" "$p"
		fi
		sr=$sum
		fn=$((fn >> 1)) sn=$((sn >> 1))
	done
	[ $sn -eq 0 ] && [ "$fr" = "$oldhash" ] && [ "$sr" = "$roothash" ]
}
if [ -f log/earlier.note ] || [ -f log/consistency.txt ]; then
	consistent
	result $? 1 consistency "the log only grew since it had ${old:-?} entries" 'the log is not a continuation of its earlier state'
fi

# --- signature ---
# value_holds: OpenSSL verifies the value over the signed attributes
value_holds() {
	parts || return 1
	split signature/signer.pem || return 1
	about 1
	by=$subject
	openssl x509 -in "${certs}1.pem" -pubkey -noout >"$tmp/pub" 2>/dev/null || return 1
	oneline signature/algorithm.txt || return 1
	algorithm=$body
	digest=${algorithm%% *}
	case $algorithm in
	sha256 | sha384 | sha512) set -- -digest "$digest" ;;
	'sha256 pss '* | 'sha384 pss '* | 'sha512 pss '*)
		number "${algorithm##* }" || return 1
		set -- -digest "$digest" -pkeyopt rsa_padding_mode:pss -pkeyopt "rsa_pss_saltlen:${algorithm##* }"
		;;
	ed25519)
		openssl pkey -pubin -in "$tmp/pub" -outform DER -out "$tmp/pub.der" 2>/dev/null || return 1
		hex "$tmp/pub.der"
		case $hex in 302a300506032b6570*) ;; *) return 1 ;; esac
		set --
		;;
	*) return 1 ;;
	esac
	openssl pkeyutl -verify -pubin -inkey "$tmp/pub" -rawin "$@" -in signature/attributes.der -sigfile signature/value.bin >/dev/null 2>&1 || return 1
	openssl cms -cmsout -print -noout -inform DER -in signature/cms.der >/dev/null 2>&1
}

# parts: attributes and value are those of the one signer in the CMS, the attributes
# under their tag there; its timestamps go to $tmp/stampN, and stamps is how many
parts() {
	stamps=0 signers=0 taken=0 inside='' of=''
	whole signature/cms.der && openssl asn1parse -inform DER -in signature/cms.der >"$tmp/cms" 2>/dev/null || return 1
	while IFS= read -r line; do
		case $line in
		*:d=3' '*SET*) stamps=0 signers=0 taken=0 inside='' of='' ;; # the last one has the signers
		*:d=4' '*) signers=$((signers + 1)) ;;
		*:d=5' '*'cons: cont [ 0 ]'*)
			place "$line"
			{ printf '\061'; span signature/cms.der $((p_at + 1)) $((p_head + p_length - 1)); } >"$tmp/attributes"
			taken=$((taken + 1))
			;;
		*:d=5' '*'prim: OCTET STRING'*)
			place "$line"
			span signature/cms.der $((p_at + p_head)) "$p_length" >"$tmp/value"
			taken=$((taken + 1))
			;;
		*:d=5' '*'cons: cont [ 1 ]'*) inside=yes ;;
		*:d=6' '*) of='' ;;
		*:d=7' '*id-smime-aa-timeStampToken*) of=$inside ;;
		*:d=8' '*)
			[ -n "$of" ] || continue
			place "$line"
			stamps=$((stamps + 1))
			span signature/cms.der "$p_at" $((p_head + p_length)) >"$tmp/stamp$stamps"
			;;
		esac
	done <"$tmp/cms"
	[ $signers -eq 1 ] && [ $taken -eq 2 ] && same "$tmp/attributes" signature/attributes.der && same "$tmp/value" signature/value.bin
}

# tokens_here: the timestamp files are those of the CMS
tokens_here() {
	n=1 allknown=1
	while [ $n -le "$stamps" ]; do
		[ -f signature/timestamp-$n.tst ] && same "$tmp/stamp$n" signature/timestamp-$n.tst || return 1
		stamp signature/timestamp-$n.tst signature/value.bin signature/timestamp-$n.pem || return 1
		allknown=$((allknown & known))
		[ -n "$signed_at" ] && [ "$signed_at" -le "$time" ] || signed_at=$time
		n=$((n + 1))
	done
	[ ! -f signature/timestamp-$n.tst ]
}

# named KIND FILE NEEDED: the record names the artefact
named() {
	digest "$2"
	case $said in
	*"\"kind\":\"$1\",\"sha256\":\"$sum\""*) ;;
	*"\"kind\":\"$1\",\"sha256\":"*) return 1 ;;
	*) [ "$3" -eq 0 ] ;;
	esac
}

# absent KIND FILE…: the digest of what the record names of a kind and is none of
# the files
absent() {
	kind="\"kind\":\"$1\",\"sha256\":\"" rest=$said here='|'
	shift
	for f in "$@"; do [ ! -f "$f" ] || { digest "$f" && here="$here$sum|"; }; done
	while :; do
		case $rest in *"$kind"*) ;; *) return ;; esac
		rest=${rest#*"$kind"}
		case $here in *"|${rest%%\"*}|"*) ;; *) printf '%s' "${rest%%\"*}"; return ;; esac
	done
}
missing=$(absent cms signature/cms.der)$(absent timestamp signature/timestamp-*.tst document/timestamp-*.tst)

artefacts() {
	named cms signature/cms.der 1 || return 1
	split signature/signer.pem && openssl x509 -in "${certs}1.pem" -outform DER -out "$tmp/der" 2>/dev/null || return 1
	digest "$tmp/der"
	case $outcome in *"\"certificateSHA256\":\"$sum\""*) ;; *) return 1 ;; esac
}

record=$outcome
member time
at=$(epoch "$member")
[ -z "$logged" ] || at=$logged
if [ -f signature/cms.der ]; then
	by=''
	value_holds
	result $? 1 signature "by $by" 'the signature is not that of the certificate'
	signed_at=''
	if [ "$stamps" -gt 0 ] || [ -f signature/timestamp-1.tst ]; then
		tokens_here
		result $? $((tsapinned & allknown)) signature-time "the signature existed at $(iso "$signed_at")" 'a timestamp is not here or over something else, or its authority is none of those that you trust'
	fi
	[ -z "$signed_at" ] || at=$signed_at
	pinned=1 text=''
	[ -n "$roots" ] || pinned=0
	[ -n "$logged$signed_at" ] || pinned=0 text=", a time by the record's own word"
	path signature/signer.pem "$roots" "${at:-0}" any
	result $? $pinned certificate "valid at $(iso "${at:-0}")$text" "not valid at $(iso "${at:-0}"), or its root is none of those that you trust"
	known=1
	split signature/signer.pem && notrevoked "${at:-0}"
	revoked=$?
	if [ $known -eq 1 ]; then text='and none of its certificates was revoked'; else text='nothing here says whether it was revoked'; fi
	result $revoked $known revocation "$text" 'a certificate was revoked before'
	text='signature and certificate are those that the outcome names' whole=1
	[ -z "$missing" ] || text="the record names a signature or timestamp, SHA-256 $missing, that is not here" whole=0
	artefacts
	result $? $whole artefacts "$text" 'the record names another signature or certificate'
elif [ -n "$missing" ]; then
	say unproven artefacts "the record names a signature or timestamp, SHA-256 $missing, that is not here"
fi

# report_named: no report is another than the record names; sets whole to 0 when
# it names none
report_named() {
	whole=1
	for f in report/report.*; do
		named report "$f" 0 || return 1
		named report "$f" 1 || whole=0
	done
}
for f in report/report.*; do
	[ -f "$f" ] || break
	report_named
	held=$?
	if [ $whole -eq 1 ]; then text='the validation report is the one that the record names'; else text='the record names no validation report: anybody can have written the one that is here'; fi
	result $held $whole report "$text" 'the record names another validation report'
	break
done

# --- document ---
# covered TOKEN: what the document timestamp covers goes to $tmp/covered: by a
# ByteRange whose gap is the token in hexadecimal, padded with zeroes
covered() {
	hex "$1"
	token=$hex
	sized "$document"
	whole=$sized
	# a line for each name and what follows it; a file from each ByteRange on
	tr '\000\011-\015/' '      \n' <"$document" >"$tmp/names"
	rm -f "$tmp"/cut*
	csplit -s -n 4 -f "$tmp/cut" "$tmp/names" '/^ByteRange/' '{*}' 2>/dev/null || return 1
	for piece in "$tmp"/cut*; do
		line=$(head -c 256 "$piece")
		line=${line%%"$nl"*}
		case $line in ByteRange*]*) ;; *) continue ;; esac
		line=${line#ByteRange} line=${line%%]*}
		case $line in *[!0-9\ []*) continue ;; esac
		set -- ${line#*[}
		[ $# -eq 4 ] && [ "$1" = 0 ] && number "$2" && number "$3" && number "$4" || continue
		[ "$4" -gt 0 ] && [ $(($3 - $2)) -gt $((${#token} + 1)) ] && [ $(($3 + $4)) -le "$whole" ] || continue
		[ "$(span "$document" "$2" $((${#token} + 1)) | tr A-F a-f)" = "<$token" ] || continue
		[ "$(span "$document" $(($2 + 1 + ${#token})) $(($3 - $2 - 1 - ${#token})) | tr -d 0)" = '>' ] || continue
		{ head -c "$2" "$document"; span "$document" "$3" "$4"; } >"$tmp/covered"
		return 0
	done
	return 1
}

# stamps_here: every document timestamp; sets stamped_at, the earliest
stamps_here() {
	n=1 allknown=1 stamped_at=''
	while [ -f document/timestamp-$n.tst ]; do
		named timestamp document/timestamp-$n.tst 1 || return 1
		data=''
		if [ -n "$document" ]; then
			covered document/timestamp-$n.tst || return 1
			data=$tmp/covered
		fi
		stamp document/timestamp-$n.tst "$data" document/timestamp-$n.pem || return 1
		allknown=$((allknown & known))
		[ -n "$stamped_at" ] && [ "$stamped_at" -le "$time" ] || stamped_at=$time
		n=$((n + 1))
	done
}
for f in document/timestamp-*; do
	[ -f "$f" ] || break
	stamps_here
	stamps=$?
	if [ -n "$document" ]; then text='the document existed at'; else text='name the document (-d) to compare it: its timestamp is of'; fi
	result $stamps $((tsapinned & allknown)) document-time "$text $(iso "$stamped_at")" 'a timestamp is not over this document, or its authority is none of those that you trust'
	break
done

document_holds() {
	case $outcome in *"\"outputSHA256\":\"$documentsum\""*) ;; *) return 1 ;; esac
	[ -f signature/cms.der ] || return 0
	[ -f document/ranges.txt ] || [ -f document/document.pdf ] || return 0 # only the record says which bytes are signed
	oneline document/ranges.txt || return 1
	ranges=$body
	set -- $ranges
	[ $# -eq 4 ] && [ "$ranges" = "$1 $2 $3 $4" ] && number "$1" && number "$2" && number "$3" && number "$4" || return 1
	sized "$document"
	[ "$1" -eq 0 ] && [ "$3" -ge "$2" ] && [ $(($3 + $4)) -le "$sized" ] || return 1
	{ head -c "$2" "$document"; span "$document" "$3" "$4"; } >"$tmp/signed"
	# whose certificate it is and whether that was valid has been said above
	openssl cms -verify -noverify -binary -inform DER -in signature/cms.der -content "$tmp/signed" -out /dev/null \
		-certfile signature/signer.pem >/dev/null 2>&1
}
if [ -n "$document" ]; then
	digest "$document"
	documentsum=$sum
	document_holds
	result $? 1 document "the document is the one that was released, SHA-256 $documentsum" "the document, SHA-256 $documentsum, is not the one that was released"
fi

# --- what the record says ---
# part NAME: an object of $record goes to part; value NAME: a member of that to value
part() { part=${record##*"\"$1\":{"} part=${part%%\}*}; }
value() { case $part in *"\"$1\":\""*) value=${part#*"\"$1\":\""} value=${value%%\"*} ;; *) value='' ;; esac; }
line() {
	case $2 in
	'') ;;
	*[!\ -~]*) printf '  %-34s%s\n' "$1" "$2" | plain ;;
	*) printf '  %-34s%s\n' "$1" "$2" ;;
	esac
}
# told LABEL NAME…: some of them
told() {
	label=$1 values=''
	shift
	for v in "$@"; do
		value "$v"
		[ -z "$value" ] || values="$values${values:+ }$value"
	done
	line "$label" "$values"
}
[ -n "$outcome" ] || record=$(cat entries/1/record.json)
echo
echo 'Menurut catatan / what the record says'
member kind && kind=$member
member operation && line 'operasi / operation' "$kind $member"
member time && line 'waktu / time' "$member"
member organisation && line 'organisasi / organisation' "$member"
case $record in *'"actor":{'*) part actor && told 'diminta oleh / asked for by' application user ;; esac
case $record in *'"result":{'*) part result && told 'hasil / result' status level code ;; esac
case $record in *'"subject":{'*)
	part subject
	told 'naskah masuk / input, SHA-256' inputSHA256
	told 'naskah dilepas / output, SHA-256' outputSHA256
	;;
esac

if [ $unproven -eq 1 ]; then
	echo
	echo 'Bandingkan dengan yang diumumkan / compare with what was published elsewhere'
	plain <log/keys.txt
	seen=''
	for f in signature/signer.pem log/tsa.pem document/timestamp-1.pem; do
		[ -f $f ] && split $f || continue
		about $count
		case $seen in *"$print"*) continue ;; esac
		seen="$seen|$print"
		plainly "$subject"
		plainly "  $print"
	done
fi
echo
finished=yes
[ $failed -eq 0 ] || { echo 'GAGAL: ada pernyataan yang tidak benar / FAILED: some statement does not hold'; exit 1; }
[ $unproven -eq 0 ] || { echo 'BELUM TERBUKTI / NOT PROVEN'; exit 2; }
echo 'SAH / EVERY STATEMENT HOLDS'
