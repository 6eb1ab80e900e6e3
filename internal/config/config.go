package config

import "time"

// Config is the whole configuration of `absah serve`. Every field that is left
// out has the default that its comment names; the zero value is safe. Paths
// that are not absolute are relative to the folder of the configuration file.
type Config struct {
	// Organisation is the office that this gateway signs for. Its records,
	// applications and signers carry the identifier.
	Organisation Organisation `yaml:"organisation"`

	// Server is the public side: applications, citizens and staff.
	Server Server `yaml:"server"`

	// Admin is the private side: metrics and profiles. It has no
	// authentication of its own and must not be reachable from outside.
	Admin Admin `yaml:"admin"`

	// Database keeps records, applications and signers.
	Database Database `yaml:"database"`

	// Spool is where uploads wait while they are worked on.
	Spool Spool `yaml:"spool"`

	// HSM is the PKCS#11 token that holds every key.
	HSM HSM `yaml:"hsm"`

	// Keys names the resident keys on the token.
	Keys Keys `yaml:"keys"`

	// Trust names the certificates that verification starts from. There is
	// no default, and the roots of the operating system are never used.
	Trust Trust `yaml:"trust"`

	// Timestamps are asked for at these authorities.
	Timestamps Timestamps `yaml:"timestamps"`

	// Revocation is how OCSP responders and CRLs are asked.
	Revocation Revocation `yaml:"revocation"`

	// Verification is how documents are judged.
	Verification Verification `yaml:"verification"`

	// Cases are complaints about signatures and documents, under the rules of
	// the region.
	Cases Cases `yaml:"cases"`

	// Evidence is the record of operations.
	Evidence Evidence `yaml:"evidence"`

	// Activation is what guards the signers' passphrases.
	Activation Activation `yaml:"activation"`

	// Limits bound what one caller can take from the others.
	Limits Limits `yaml:"limits"`

	// Log is what the program says while it runs.
	Log Log `yaml:"log"`

	// Tracing sends OpenTelemetry traces. Off unless an endpoint is named.
	Tracing Tracing `yaml:"tracing"`

	source source
}

// Organisation names an office.
type Organisation struct {
	// ID stands in every record and can never change: lower-case letters,
	// digits and hyphens, at most 63 of them.
	ID string `yaml:"id" required:"true" example:"kabupaten-contoh"`

	// Name is shown to people.
	Name string `yaml:"name" required:"true" example:"Pemerintah Kabupaten Contoh"`

	// Zone is the time zone of pages and reports: Asia/Jakarta (WIB),
	// Asia/Makassar (WITA), Asia/Jayapura (WIT) or UTC. Records are in UTC.
	Zone string `yaml:"zone" default:"Asia/Jakarta"`
}

// Server is a listening address and how it is protected.
type Server struct {
	// Listen is the address and port of the API and the pages.
	Listen string `yaml:"listen" default:"127.0.0.1:8080"`

	// PublicURL is how citizens reach the gateway. It stands in QR codes and
	// evidence bundles, so it should outlive this server.
	PublicURL string `yaml:"public_url" required:"true" example:"https://sah.contohkab.go.id"`

	// TLS is done by the gateway itself when a certificate is named. Without
	// one, Listen must be a loopback address or a proxy must stand before it.
	TLS TLS `yaml:"tls"`

	// TrustedProxies are the addresses or networks (CIDR) whose
	// X-Forwarded-For is believed. None means that the peer is the client. A
	// network that is larger than 10.0.0.0/8 or fc00::/7 is refused.
	TrustedProxies []string `yaml:"trusted_proxies"`

	// Shutdown is how long running requests may take to end when the
	// service is stopped; what is not done then is recorded as unknown.
	Shutdown time.Duration `yaml:"shutdown" default:"30s"`
}

// TLS names a server's certificate.
type TLS struct {
	// Certificate is a PEM file with the chain, the server's own first. It and
	// Key are read again when it changes.
	Certificate string `yaml:"certificate" file:"read"`

	// Key is the PEM file of its private key, readable by the service alone.
	Key string `yaml:"key" file:"secret"`

	// ClientCA is a PEM file of authorities whose client certificates may
	// authenticate applications. It is read at start. None means that mTLS is off.
	ClientCA string `yaml:"client_ca" file:"read"`
}

// Admin is the private listening address.
type Admin struct {
	// Listen is the address and port of /metrics and /debug/pprof; "off" for
	// none. Only loopback and private networks are accepted.
	Listen string `yaml:"listen" default:"127.0.0.1:8081"`
}

// Database is where rows are kept.
type Database struct {
	// URL is sqlite:PATH for one node, or
	// postgres://USER@HOST:PORT/NAME?sslmode=verify-full for several.
	// A password in it is refused: it belongs in PasswordFile. To another machine
	// sslmode is verify-full or verify-ca.
	URL string `yaml:"url" default:"sqlite:absah.db"`

	// PasswordFile holds the PostgreSQL password on its first line.
	PasswordFile string `yaml:"password_file" file:"secret"`

	// MigrationURL is the address of the same PostgreSQL database under the role
	// that owns the tables (absah_owner). URL then names absah_app, which can
	// neither change nor remove evidence, nor the triggers that guard it. Empty:
	// URL migrates too, and must be a role that may. Once the tables are there a
	// service starts without it until the next version of the program.
	MigrationURL string `yaml:"migration_url" example:"postgres://absah_owner@127.0.0.1/absah"`

	// MigrationPasswordFile holds the password for MigrationURL on its first
	// line.
	MigrationPasswordFile string `yaml:"migration_password_file" file:"secret"`

	// Connections to PostgreSQL at most, 2 to 1000. SQLite has one writer.
	Connections int `yaml:"connections" default:"16"`
}

// Spool is a folder for uploads.
type Spool struct {
	// Directory on a local disk; it is emptied at start, and each file is
	// removed with its request. Files in it have no name, and are encrypted under
	// keys that exist in memory only. Small uploads stay in memory.
	Directory string `yaml:"directory" file:"write" default:"spool"`

	// Upload is the largest document, 1MiB to 1GiB.
	Upload Size `yaml:"upload" default:"25MiB"`

	// Total is how much all requests may hold at once. Half of it is kept for
	// what is to be signed; one application gets half at most, all callers without
	// credentials a quarter, one address a sixteenth, but each room for one upload.
	// Beyond that new uploads get 503.
	Total Size `yaml:"total" default:"4GiB"`
}

// HSM is a PKCS#11 token.
type HSM struct {
	// Module is the vendor's PKCS#11 library.
	Module string `yaml:"module" required:"true" file:"read" example:"/usr/lib/softhsm/libsofthsm2.so"`

	// Token is the label of the token.
	Token string `yaml:"token" required:"true" example:"absah"`

	// PINFile holds the user PIN on its first line. Only the process that
	// loads the module reads it.
	PINFile string `yaml:"pin_file" required:"true" file:"secret" example:"/etc/absah/pin"`

	// Environment adds to what the module sees of the environment: NAME
	// passes a variable on, NAME=value sets it. What the usual modules look
	// for, such as SOFTHSM2_CONF, is passed on anyway.
	Environment []string `yaml:"environment"`

	// Sessions is how many signatures may be in progress at once, 1 to 256.
	Sessions int `yaml:"sessions" default:"8"`

	// Timeout is the longest wait for one call of the module.
	Timeout time.Duration `yaml:"timeout" default:"5s"`
}

// Keys are labels on the token. `absah init` makes those that need no
// certificate, `absah key generate` the others.
type Keys struct {
	// Seals are the electronic seals (segel) of the office.
	Seals []Seal `yaml:"seals"`

	// TSA signs timestamps at /tsa, for applications that authenticate; without
	// a label the gateway has no authority of its own.
	TSA TSA `yaml:"tsa"`

	// Log is the Ed25519 key of the log's checkpoints.
	Log string `yaml:"log" default:"absah-log"`

	// Receipt is the Ed25519 key of the receipts.
	Receipt string `yaml:"receipt" default:"absah-receipt"`

	// Wrapping is the AES-256 key that wraps the signers' keys. Losing it
	// loses every one of them.
	Wrapping string `yaml:"wrapping" default:"absah-wrapping"`

	// Pepper is the HMAC key that stands between a stolen database and the
	// guessing of passphrases, and that hides the NIK.
	Pepper string `yaml:"pepper" default:"absah-pepper"`

	// Health is a key without a certificate that proves that the token signs.
	Health string `yaml:"health" default:"absah-health"`
}

// Seal is an electronic seal.
type Seal struct {
	// ID is the name that applications use.
	ID string `yaml:"id" required:"true" example:"segel"`

	// Key is the label of its key.
	Key string `yaml:"key" required:"true" example:"seal"`

	// Certificate is a PEM file with the chain, the seal's own first.
	Certificate string `yaml:"certificate" required:"true" file:"read" example:"/etc/absah/seal.pem"`
}

// TSA is a timestamp authority of our own.
type TSA struct {
	// Key is the label of its key.
	Key string `yaml:"key"`

	// Certificate is a PEM file with its chain. Its only extended key usage
	// must be timeStamping, and critical (RFC 3161 §2.3).
	Certificate string `yaml:"certificate" file:"read"`

	// Policy is the object identifier of its policy.
	Policy string `yaml:"policy" example:"1.3.6.1.4.1.99999.1"`
}

// Trust names trust anchors: PEM files, or folders of .pem, .crt and .cer
// files. The set that is in force is on record; one that differs stops the
// start until it has been approved by two people (`absah trust`).
type Trust struct {
	// Signers are the roots of signers' certificates, which must be authorities.
	Signers []string `yaml:"signers" required:"true" file:"read" example:"/etc/absah/trust"`

	// Timestamps are the roots of timestamp authorities' certificates, which must be
	// certification authorities; none means Signers.
	Timestamps []string `yaml:"timestamps" file:"read"`

	// Responders are certificates that may answer by OCSP for any issuer
	// (RFC 6960 §4.2.2.2, local configuration).
	Responders []string `yaml:"responders" file:"read"`
}

// Timestamps is a list of authorities (RFC 3161).
type Timestamps struct {
	// Sources are asked in order until one answers.
	Sources []TimestampSource `yaml:"sources"`

	// Timeout of one source.
	Timeout time.Duration `yaml:"timeout" default:"5s"`

	// Drift between a token's time and this machine's clock beyond which
	// nothing is signed.
	Drift time.Duration `yaml:"drift" default:"1m"`
}

// TimestampSource is one authority.
type TimestampSource struct {
	// URL of the authority.
	URL string `yaml:"url" required:"true" example:"https://tsa.contoh.go.id"`

	// Username for HTTP Basic authentication, if it asks for one.
	Username string `yaml:"username"`

	// PasswordFile holds the password on its first line.
	PasswordFile string `yaml:"password_file" file:"secret"`
}

// Revocation is how certificate status is fetched.
type Revocation struct {
	// Timeout of one source.
	Timeout time.Duration `yaml:"timeout" default:"5s"`

	// Allow are hosts, or host:port, that addresses in certificates may name
	// although they are on private networks, or on other ports than 80 and 443.
	// All other such addresses are refused.
	Allow []string `yaml:"allow"`

	// MaxAge is how long an answer may be used again while it is valid; 0 means
	// that each is asked for anew.
	MaxAge time.Duration `yaml:"max_age" default:"10m"`
}

// Verification is how documents are judged.
type Verification struct {
	// Policy is gov or forms.
	Policy string `yaml:"policy" default:"gov"`

	// Parallel is how many documents are judged at once; 0 means one a
	// processor.
	Parallel int `yaml:"parallel"`

	// Timeout of one document, fetching included.
	Timeout time.Duration `yaml:"timeout" default:"30s"`

	// ReportSeal is the seal, one of keys.seals by its id, that the printed
	// reports of the public pages get; empty leaves them without.
	ReportSeal string `yaml:"report_seal" example:"segel"`
}

// Cases are the regional rules for complaints (pengaduan). Days are working
// days.
type Cases struct {
	// Examine is the days until a complaint is examined.
	Examine int `yaml:"examine" default:"5"`

	// Answer is the days until the complainant is answered.
	Answer int `yaml:"answer" default:"14"`

	// Close is the days from the answer until the case is closed.
	Close int `yaml:"close" default:"10"`

	// Assistance is the days after which the PSrE is reminded.
	Assistance int `yaml:"assistance" default:"5"`

	// Loss is the days within which an owner reports the loss of a key, such as
	// 10; 0 means without delay, but no number.
	Loss int `yaml:"loss" default:"0"`

	// Incident is the days until an incident is reported; 0 means the same
	// day.
	Incident int `yaml:"incident" default:"0"`

	// Soon is the days before a deadline from which on it is pointed out.
	Soon int `yaml:"soon" default:"2"`

	// Retention is the days, counted from the end of a case, for which what
	// people gave and said is kept: the complaint, names, contacts and NIK, files,
	// the answer and the words of notes. Then it is erased, which is on record,
	// unless a hold on the evidence of the case stands. Decisions, findings,
	// the office's own letters and the log stay. 0 means for ever.
	Retention int `yaml:"retention" default:"1825"`

	// WorkDays of a week: 5 from Monday to Friday, 6 to Saturday.
	WorkDays int `yaml:"work_days" default:"5"`

	// Holidays are days without work, such as 2026-12-25: national holidays,
	// those of the region, and collective leave.
	Holidays []string `yaml:"holidays"`

	// Incidents are the kinds of complaints that are incidents too:
	// authentication, authenticity, repudiation, key-loss, conduct; none named
	// means repudiation and key-loss.
	Incidents []string `yaml:"incidents"`

	// MustEscalate are the kinds that are answered only after the PSrE was
	// asked for assistance.
	MustEscalate []string `yaml:"must_escalate"`

	// Letterhead is the lines at the top of letters, the office first.
	Letterhead []string `yaml:"letterhead"`

	// Place is where letters are dated.
	Place string `yaml:"place" example:"Contoh"`

	// Signatory is the title under letters.
	Signatory string `yaml:"signatory" example:"Kepala Dinas Komunikasi dan Informatika"`

	// PSrE is who is asked for technical assistance; without a name it is the
	// head of BSrE.
	PSrE Addressee `yaml:"psre"`

	// Recipients get incident reports.
	Recipients []Addressee `yaml:"recipients"`

	// Supervisors get the half-yearly or yearly report on supervision.
	Supervisors []Addressee `yaml:"supervisors"`
}

// Addressee is whom letters go to.
type Addressee struct {
	// Name is the office or its head.
	Name string `yaml:"name" example:"Kepala Badan Siber dan Sandi Negara"`

	// Address is its lines.
	Address []string `yaml:"address"`
}

// Evidence is the log of operations.
type Evidence struct {
	// Origin names the log in its checkpoints, like a host name with a path,
	// and can never change. Empty means the host of server.public_url with
	// "/log".
	Origin string `yaml:"origin"`

	// Interval between two integrations of new records into the tree.
	Interval time.Duration `yaml:"interval" default:"1s"`

	// Promise is the time by which a receipt says that its record is in the
	// tree. Signing stops when a record is older than that.
	Promise time.Duration `yaml:"promise" default:"1h"`

	// Stamp is the least time between two timestamps of checkpoints.
	Stamp time.Duration `yaml:"stamp" default:"1m"`

	// PastKeys are verifier keys of log and receipts that were in use before,
	// as "absah evidence keys" printed them.
	PastKeys []string `yaml:"past_keys"`

	// Reconcile is the age at which an operation without an outcome is closed
	// as unknown: its process has died. It must be longer than the longest
	// operation, since one that ends later releases nothing.
	Reconcile time.Duration `yaml:"reconcile" default:"10m"`

	// Floor is the file, outside the database, with the last checkpoint. A
	// database that is behind it has been restored and is refused. It belongs where
	// no backup of the database is restored to.
	Floor string `yaml:"floor" file:"write" default:"log-floor"`

	// Witnesses cosign checkpoints (C2SP tlog-witness).
	Witnesses []Witness `yaml:"witnesses"`
}

// Witness is somebody else who remembers our checkpoints.
type Witness struct {
	// URL prefix of the witness.
	URL string `yaml:"url" required:"true" example:"https://saksi.contoh.go.id"`

	// Key is its verifier key in the format of signed notes.
	Key string `yaml:"key" required:"true" example:"saksi.contoh.go.id+1a2b3c4d+BA…"`
}

// Activation guards passphrases.
type Activation struct {
	// Memory of Argon2id for one passphrase, 46MiB to 1GiB.
	Memory Size `yaml:"memory" default:"64MiB"`

	// Passes of Argon2id over its memory, 1 to 16.
	Passes int `yaml:"passes" default:"1"`

	// Parallel is how many passphrases are tried at once.
	Parallel int `yaml:"parallel" default:"2"`

	// Attempts is how many wrong passphrases one application may send for
	// one signer before it is locked out for him, until the office unlocks
	// (`absah signer unlock`).
	Attempts int `yaml:"attempts" default:"5"`

	// Alarm is how many wrong passphrases in an hour, over all signers,
	// alert the operators.
	Alarm int `yaml:"alarm" default:"50"`

	// Lifetime of an activation at most.
	Lifetime time.Duration `yaml:"lifetime" default:"1h"`
}

// Limits bound callers.
type Limits struct {
	// Requests is how many requests are worked on at once; more wait.
	Requests int `yaml:"requests" default:"64"`

	// Applications is how many requests a minute one application may make,
	// unless its own policy says otherwise.
	Applications int `yaml:"applications" default:"600"`

	// Anonymous is how many documents a minute one address may have verified
	// without authentication.
	Anonymous int `yaml:"anonymous" default:"10"`

	// Failures is how many failed authentications a minute one address has.
	// Beyond them credentials that have not held lately are not looked at.
	Failures int `yaml:"failures" default:"30"`

	// Tail is how long the answer to an idempotency key can be had again.
	Tail time.Duration `yaml:"tail" default:"24h"`
}

// Log is what the program says.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level" default:"info"`

	// Format is json or text.
	Format string `yaml:"format" default:"json"`
}

// Tracing is where traces go.
type Tracing struct {
	// Endpoint is the URL of an OTLP/HTTP collector.
	Endpoint string `yaml:"endpoint"`

	// Sample is the share of requests that are traced, 0 to 1.
	Sample float64 `yaml:"sample" default:"0.01"`
}
