package main

import "strings"

// reasons are the codes of which a report must hold one, by the beginning of
// the row's name; the longest that fits counts. They say that a file is refused
// for what is wrong with it and not by accident. A row that must pass has one
// when it must carry that warning.
var reasons = map[string][]string{
	"ok-b-b-late": {"certificate-validity"}, "ok-form-filled": {"form-values"},

	"u01": {"contents-gap"}, "u02": {"contents-gap"}, "u03": {"contents"}, "u04": {"value"}, "u05": {"contents"},
	"u06-odd": {"contents-gap"}, "u06-not-hex": {"value"}, "u06-literal": {"contents-gap"}, "u06-indirect": {"contents"}, "u06-array": {"contents"},
	"u07": {"digest"}, "u08": {"contents"}, "u12": {"byterange"}, "u13": {"byterange"}, "u14": {"byterange"}, "u15": {"byterange"},
	"u16": {"byterange"}, "u17": {"byterange"}, "u18": {"byterange"}, "u19": {"byterange"}, "u19-range-2-63": {"value"}, "u20": {"byterange"},
	"u21": {"byterange"}, "u22-range-start": {"byterange"}, "u22-range-short": {"revision"}, "u23": {"byterange"}, "u24": {"byterange"},
	"u25-no-filter": {"filter"}, "u25": {"subfilter"}, "u26": {"value"}, "u28": {"orphan-signature"}, "u29": {"shared-value"},

	"i-a": {"xref-missing"}, "i-b": {"junk-after-eof"}, "i-c": {"trailer-size"}, "i-d": {"startxref-stray"}, "i-e": {"xref-missing"},
	"i-f": {"xref-missing"}, "i-g": {"change"}, "i-h": {"xref-missing"}, "i-i": {"replaced"}, "i-j": {"change"},
	"i-k-nul": {"space-after-eof"}, "i-k": {"junk-after-eof"}, "i-k-second-pdf": {"xref-missing"}, "i-l": {"replaced"},

	"w-": {"contents-gap"}, "w-f": {"contents-gap", "duplicate-key"}, "w-f-two-ranges-signed": {"revision", "duplicate-key"}, "w-g-comment": {"value"}, "w-h-padding": {"contents"},

	"h-1a": {"object-header"}, "h-": {"change"}, "h-5": {"entry-backward"}, "h-9": {"object-unsigned"},
	"c1": {"annotated-after-signing", "docmdp"}, "c2-sneaky": {"certified-visible"}, "c2-sneaky-p1": {"docmdp"},
	"c2-over": {"covers-content"}, "c2-beside": {"later-signature"},
	"h-12-annotation-layer": {"docmdp"}, "h-12-flag-real": {"docmdp"}, "h-13-annotations": {"docmdp"}, "h-13-value": {"form-values"},
	"h-14-merged": {"filled-over-content"}, "h-16-stroke": {"filled-over-content"}, "h-16-overprint": {"filled-over-content"}, "h-16-no-look": {"filled-over-content"}, "h-16-own-look": {"filled-over-content"},
	"h-3-catalog": {"change", "form-values", "hidden-object"}, "d09": {"resource-limit"}, "d10": {"unsigned-change"},
	"h-10": {"change"}, "h-11": {"change"}, "c8": {"change"}, "c8-visible": {"unsigned-change"}, "c8-caption": {"unsigned-change"}, "c8-flags": {"unsigned-change"},
	"c8-fonts": {"change"}, "c8-looks": {"change"}, "c8-orphan": {"unsigned-change"}, "c8-prepared": {"docmdp"}, "c8-no-rotate": {"covers-content"}, "c8-default": {"unsigned-change"}, "c8-stamp": {"unsigned-change"}, "c8-filled": {"filled-over-content"},
	"c3": {"docmdp"}, "c3-perms-other": {"docmdp-several"}, "c3-two": {"docmdp-several"}, "c3-late": {"change", "docmdp"},
	"c4": {"field-locked"}, "c4-field-lock-p": {"docmdp"}, "c5-javascript-before": {"active-content"}, "c5-javascript-after": {"change"},
	"a01": {"active-content"}, "c6": {"orphan-signature"}, "c7": {"change"},
	"c9": {"removed"}, "u30": {"value-in-widget"},

	"x01": {"header"}, "x01-junk": {"header-offset"}, "x02": {"junk-after-eof"}, "x03-two": {"startxref-offset"},
	"x03-no-": {"junk-after-eof"}, "x03-not": {"eof-missing"}, "x04-prev-self": {"xref-loop"}, "x04-prev-beyond": {"prev"},
	"x04-prev-twice": {"xref-missing", "dict-duplicate-key"}, "x04-prev-skips": {"signature-unlisted"},
	"x04-cut-off": {"revisions-cut-off", "signature-unlisted"}, "x04-prev-zero": {"prev-zero"},
	"x05-duplicate": {"xref-duplicate"}, "x05-type": {"xref-entry"}, "x05-count": {"xref-entry"}, "x05-swapped": {"object-header"},
	"x06-hybrid": {"change", "hybrid-conflict"}, "x06-hybrid-base": {"hybrid-conflict"}, "x07": {"junk"}, "x08": {"stream-length"}, "x09-comment": {"comment"},
	"x09-no": {"endobj-missing"}, "x10-contents": {"duplicate-key"}, "x10-page": {"dict-duplicate-key"}, "x10-v": {"byterange", "dict-duplicate-key"},
	"x11-contents": {"contents"}, "x11-page": {"change"}, "x12": {"change"}, "x12-no-root": {"trailer-root"},
	"x12-no-root-frees": {"change"}, "x12-no-root-orphan": {"trailer-root-absent"}, "x13-compressed": {"compressed"},
	"x13-nested": {"objstm"}, "x13-both": {"junk"}, "x13-extends": {"objstm-extends"}, "x14": {"password"}, "x14-identity": {"encrypt-changed"},
	"x15": {"header-offset"}, "x16-escaped": {"duplicate-key"}, "x16-range": {"revision", "duplicate-key"}, "x16-value": {"byterange", "dict-duplicate-key"},

	"x17-objects": {"hidden-object"}, "x18": {"xref-entry-form"}, "x19": {"hidden-object"}, "x19-startxref-in": {"xref-offset"}, "x19-startxref": {"startxref-form", "hidden-object"},
	"x19-hidden-trailer": {"hidden-trailer"}, "x20-wide": {"xref-stream-widths"}, "x20-unknown": {"xref-entry-type"},
	"x20-own": {"xref-stream-number", "xref-stream-surplus"}, "x21": {"linearized-length"}, "x23": {"xref-stream-coding"}, "x24": {"object-token"}, "x23-no-size": {"trailer-size"},
	"x23-overlap": {"objstm-overlap"}, "x23-abbreviated-objects": {"objstm-coding"}, "x22": {"object-twin"}, "x06-hybrid-freed": {"hybrid-hidden"},

	"m01": {"M01.signed-attributes-absent"}, "m02": {"M02.message-digest"}, "m03": {"M03.content-type"}, "m04": {"M04.content-present"},
	"m05-digest-list": {"M05.digest-unlisted"}, "m05-signature-hash": {"M05.digest-algorithm"}, "m05-pss": {"M05.algorithm-parameters"},
	"m05-protection": {"M05.algorithm-protection"}, "m06": {"M06.signer-count"}, "m07": {"M07.signing-certificate-absent"},
	"m07-no-ess-two": {"M09.signer-ambiguous"}, "m08": {"signing-certificate"}, "m08-ess-twice": {"M08.signing-certificate-twice"},
	"m09": {"signing-certificate"}, "m09-sid": {"M09.signer-identifier"}, "m11-signing": {"M11.signing-time-present"}, "m11-m": {"claimed-time"},
	"m12": {"not-der"}, "m12-unsorted-sent": {"signature-value"}, "m13": {"signature-value"}, "m14": {"signature-value"},
	"m14-p224": {"algorithm"}, "m14-explicit": {"M18.unsupported"}, "m14-off-curve": {"M18.unsupported"}, "m15": {"M15.key-type"},
	"m16": {"algorithm"}, "m18-ed25519": {"algorithm"}, "m18-unknown": {"M18.unsupported"}, "m19": {"resource-limit"},

	// What a token cannot prove leaves the certificate expired.
	"t0": {"certificate-validity"}, "t1": {"certificate-validity"}, "t04": {"imprint"}, "t06": {"type-subfilter"}, "t08": {"timestamp-order"},

	"r0": {"revocation-unknown"}, "r1": {"revocation-unknown"}, "r05-stale": {"revocation-stale"}, "r05-no-next": {"revocation-stale"},
	"r06": {"revocation-stale"}, "r11-stale": {"revocation-stale"}, "r11-sha1": {"algorithm"}, "r07": {"revoked"}, "r09": {"chain-extension"},
	"r10": {"certificate-validity"}, "r13": {"revoked"}, "r16": {"on-hold"}, "r17": {"revoked"}, "r18": {"revoked"}, "r22": {"revocation-unknown"},
	"r23": {"revocation-stale", "revocation-unknown"}, "r24": {"revocation-stale"}, "r25": {"revocation-unknown"}, "r26": {"revoked"},
	"r27": {"revoked"}, "r27-removed-only": {"revocation-unknown"}, "r28": {"revocation-unknown"},
	"p11": {"chain-key-usage"}, "p12": {"chain-key-usage"},

	"p01": {"chain-signature", "chain-no-anchor"}, "p02": {"chain-name-constraints"}, "p03": {"chain-policy"}, "p04-not": {"chain-not-ca"}, "p04-v1": {"chain-not-ca"},
	"p04-no": {"chain-key-usage"}, "p04-path": {"chain-path-length"}, "p04-expired": {"certificate-validity"}, "p05": {"chain-critical-extension"},
	"p05-usage": {"chain-key-usage"}, "p06": {"chain-signature"}, "p07": {"chain-no-anchor", "chain-signature"}, "p08": {"chain-no-anchor"},
	"p10-negative": {"certificate-unreadable"}, "n01": {"chain-no-anchor"},

	// The same fault may be met as one of form or as a limit.
	"d02": {"resource-limit", "xref-stream-index"}, "d03": {"resource-limit", "xref-subsection", "xref-stream-index", "xref-stream-w"},
	"d04": {"resource-limit", "contents"}, "d05-pages": {"change"}, "d05-field": {"form"}, "d05-length": {"stream-length"},
	"d02-font": {"unsigned-change"}, "d08-direct": {"unsigned-change"}, "d08-font": {"form-values"}, "d08-metadata": {"resource-limit"},
	"d06": {"revision", "resource-limit"}, "d11": {"change"},
}

// reasonsFor returns the codes for a row: none for one that passes without a
// warning, and for a file in which nobody could find a signature.
func reasonsFor(a *attack) []string {
	first := a.Verdict[0]
	if (first == passed || first == noSignature) && !a.Warns {
		return nil
	}
	best := ""
	for prefix := range reasons {
		if strings.HasPrefix(a.Name, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return reasons[best]
}
