package etsi

import "encoding/xml"

// Namespaces of the document.
const (
	nsReport    = "http://uri.etsi.org/19102/v1.4.1#"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsXAdES     = "http://uri.etsi.org/01903/v1.3.2#"
	nsLists     = "http://uri.etsi.org/02231/v2#"
	nsAbsah     = "urn:absah:verdict:1" // of what stands in OtherInformation
)

// validationReport is ValidationReportType (§4.2). The types below follow the
// schema, field by field in its order; their names are those of its types.
type validationReport struct {
	XMLName   xml.Name                    `xml:"ValidationReport"`
	Report    string                      `xml:"xmlns,attr"`
	Signature string                      `xml:"xmlns:ds,attr"`
	XAdES     string                      `xml:"xmlns:xades,attr"`
	Lists     string                      `xml:"xmlns:tsl,attr"`
	Absah     string                      `xml:"xmlns:absah,attr"`
	Reports   []signatureValidationReport `xml:"SignatureValidationReport"`
	Objects   *validationObjectList       `xml:"SignatureValidationObjects,omitempty"`
	Validator *signatureValidator         `xml:"SignatureValidator,omitempty"`
}

type signatureValidationReport struct {
	Identifier  *signatureIdentifier    `xml:"SignatureIdentifier,omitempty"`
	Constraints *constraintsEvaluation  `xml:"ValidationConstraintsEvaluationReport,omitempty"`
	Time        *validationTimeInfo     `xml:"ValidationTimeInfo,omitempty"`
	Document    *signersDocument        `xml:"SignersDocument,omitempty"`
	Attributes  *signatureAttributes    `xml:"SignatureAttributes,omitempty"`
	Signer      *signerInformation      `xml:"SignerInformation,omitempty"`
	Process     *validationProcess      `xml:"SignatureValidationProcess,omitempty"`
	Status      validationStatus        `xml:"SignatureValidationStatus"`
	Other       *signatureOtherElements `xml:"OtherInformation,omitempty"`
}

type signatureIdentifier struct {
	ID       string          `xml:"id,attr,omitempty"`
	Digest   *digestAndValue `xml:"DigestAlgAndValue,omitempty"`
	Value    string          `xml:"ds:SignatureValue,omitempty"` // base64
	HashOnly bool            `xml:"HashOnly"`
	DocOnly  bool            `xml:"DocHashOnly"`
	DA       string          `xml:"DAIdentifier,omitempty"`
}

// digestAndValue is XAdES DigestAlgAndValueType.
type digestAndValue struct {
	Method algorithmURI `xml:"ds:DigestMethod"`
	Value  string       `xml:"ds:DigestValue"` // base64
}

type algorithmURI struct {
	URI string `xml:"Algorithm,attr"`
}

type constraintsEvaluation struct {
	Policy      *validationPolicy      `xml:"SignatureValidationPolicy,omitempty"`
	Constraints []constraintEvaluation `xml:"ValidationConstraint"`
}

type validationPolicy struct {
	Implied struct{} `xml:"SignaturePolicyIdentifier>xades:SignaturePolicyImplied"`
	Name    string   `xml:"PolicyName,omitempty"`
	Formal  string   `xml:"FormalPolicyURI,omitempty"`
}

type constraintEvaluation struct {
	ID         string            `xml:"ValidationConstraintIdentifier"`
	Parameters []typedData       `xml:"ValidationConstraintParameter"`
	Applied    string            `xml:"ConstraintStatus>Status"`
	Status     *validationStatus `xml:"ValidationStatus,omitempty"`
}

type typedData struct {
	Type  string `xml:"Type"`
	Value string `xml:"Value"`
}

type validationTimeInfo struct {
	Moment string `xml:"ValidationTime"`
	Best   poe    `xml:"BestSignatureTime"`
}

type poe struct {
	Time   string     `xml:"POETime"`
	Type   string     `xml:"TypeOfProof"`
	Object *reference `xml:"POEObject,omitempty"`
}

// reference is VOReferenceType: identifiers of validation objects, divided by
// spaces.
type reference struct {
	To string `xml:"VOReference,attr"`
}

type signersDocument struct {
	Digest digestAndValue `xml:"DigestAlgAndValue"`
	Ref    *reference     `xml:"SignersDocumentRef,omitempty"`
}

// signatureAttributes is a choice that may repeat (Annex A): any order is
// valid, and this is the one that is written.
type signatureAttributes struct {
	SigningTime   *signingTime         `xml:"SigningTime,omitempty"`
	Certificate   *certificateIDs      `xml:"SigningCertificate,omitempty"`
	Content       []timestampAttribute `xml:"AllDataObjectsTimeStamp"`
	Stamps        []timestampAttribute `xml:"SignatureTimeStamp"`
	MessageDigest *messageDigest       `xml:"MessageDigest,omitempty"`
	DocStamps     []timestampAttribute `xml:"DocTimeStamp"`
	Reason        *reasonAttribute     `xml:"Reason,omitempty"`
	Name          *nameAttribute       `xml:"Name,omitempty"`
	Contact       *contactAttribute    `xml:"ContactInfo,omitempty"`
	SubFilter     *subFilterAttribute  `xml:"SubFilter,omitempty"`
	ByteRange     string               `xml:"ByteRange,omitempty"` // four numbers
	Filter        *filterAttribute     `xml:"Filter,omitempty"`
}

func (a *signatureAttributes) empty() bool {
	return a.SigningTime == nil && a.Certificate == nil && len(a.Content)+len(a.Stamps)+len(a.DocStamps) == 0 && a.MessageDigest == nil &&
		a.Reason == nil && a.Name == nil && a.Contact == nil && a.SubFilter == nil && a.ByteRange == "" && a.Filter == nil
}

// attributeBase is AttributeBaseType.
type attributeBase struct {
	Signed  bool        `xml:"Signed,attr"`
	Objects []reference `xml:"AttributeObject"`
}

type signingTime struct {
	attributeBase
	Time string `xml:"Time"`
}

type certificateIDs struct {
	attributeBase
	IDs []certificateID `xml:"CertID"`
}

type certificateID struct {
	Method algorithmURI `xml:"ds:DigestMethod"`
	Value  string       `xml:"ds:DigestValue"`
}

type timestampAttribute struct {
	attributeBase
	Time string `xml:"TimeStampValue"`
}

type messageDigest struct {
	attributeBase
	Digest string `xml:"Digest"` // base64
}

type reasonAttribute struct {
	attributeBase
	Text string `xml:"ReasonElement"`
}

type nameAttribute struct {
	attributeBase
	Text string `xml:"NameElement"`
}

type contactAttribute struct {
	attributeBase
	Text string `xml:"ContactInfoElement"`
}

type subFilterAttribute struct {
	attributeBase
	Text string `xml:"SubFilterElement"`
}

type filterAttribute struct {
	Text string `xml:"Filter"`
}

type signerInformation struct {
	Certificate reference `xml:"SignerCertificate"`
	Signer      string    `xml:"Signer,omitempty"`
}

type validationProcess struct {
	ID    string       `xml:"SignatureValidationProcessID,omitempty"`
	Other *application `xml:"OtherInformation>absah:Application,omitempty"`
}

type application struct {
	Name      string `xml:"name,attr"`
	Version   string `xml:"version,attr,omitempty"`
	Catalogue string `xml:"algorithms,attr,omitempty"`
}

type validationStatus struct {
	Main string       `xml:"MainIndication"`
	Sub  string       `xml:"SubIndication,omitempty"`
	Data []reportData `xml:"AssociatedValidationReportData"`
}

type reportData struct {
	Anchor     *reference         `xml:"TrustAnchor,omitempty"`
	Chain      *certificateChain  `xml:"CertificateChain,omitempty"`
	Related    []reference        `xml:"RelatedValidationObject"`
	Revocation *revocationStatus  `xml:"RevocationStatusInformation,omitempty"`
	Crypto     *cryptoInformation `xml:"CryptoInformation,omitempty"`
	Additional *additionalData    `xml:"AdditionalValidationReportData,omitempty"`
}

type certificateChain struct {
	Signing       reference   `xml:"SigningCertificate"`
	Intermediates []reference `xml:"IntermediateCertificate"`
	Anchor        *reference  `xml:"TrustAnchor,omitempty"`
}

type revocationStatus struct {
	Certificate reference  `xml:"ValidationObjectId"`
	Time        string     `xml:"RevocationTime"`
	Reason      string     `xml:"RevocationReason,omitempty"`
	Object      *reference `xml:"RevocationObject,omitempty"`
}

type cryptoInformation struct {
	Object     reference  `xml:"ValidationObjectId"`
	Algorithm  string     `xml:"Algorithm"`
	Parameters *typedData `xml:"AlgorithmParameters,omitempty"`
	Secure     bool       `xml:"SecureAlgorithm"`
	NotAfter   string     `xml:"NotAfter,omitempty"`
}

type additionalData struct {
	Data []typedData `xml:"ReportData"`
}

type validationObjectList struct {
	Objects []*validationObject `xml:"ValidationObject"`
}

type validationObject struct {
	ID             string                     `xml:"id,attr"`
	Type           string                     `xml:"ObjectType"`
	Representation representation             `xml:"ValidationObjectRepresentation"`
	POE            *poe                       `xml:"POE,omitempty"`
	Provisioning   *poeProvisioning           `xml:"POEProvisioning,omitempty"`
	Report         *signatureValidationReport `xml:"ValidationReport,omitempty"`
}

type representation struct {
	Base64 *string         `xml:"base64,omitempty"`
	Digest *digestAndValue `xml:"DigestAlgAndValue,omitempty"`
}

type poeProvisioning struct {
	Time       string               `xml:"POETime"`
	Objects    []reference          `xml:"ValidationObject"`
	Signatures []signatureReference `xml:"SignatureReference"`
}

type signatureReference struct {
	Field string `xml:"PAdESFieldName"`
}

type signatureValidator struct {
	Certificate string `xml:"DigitalId>tsl:X509Certificate"` // base64
}

// signatureOtherElements is what the standard has no place for.
type signatureOtherElements struct {
	File     fileElement      `xml:"absah:File"`
	Changes  *changesElement  `xml:"absah:Changes,omitempty"`
	Warnings []warningElement `xml:"absah:Warning"`
}

type fileElement struct {
	Name    string `xml:"name,attr"`
	Size    int64  `xml:"size,attr"` // bytes
	SHA256  string `xml:"sha256,attr"`
	Verdict string `xml:"verdict,attr"`
}

type changesElement struct {
	Level    string          `xml:"level,attr"`
	Coverage string          `xml:"coverage,attr"`
	Revision int             `xml:"revision,attr"`
	Items    []changeElement `xml:"absah:Change"`
}

type changeElement struct {
	Revision int    `xml:"revision,attr"`
	Object   string `xml:"object,attr"`
	Path     string `xml:"path,attr"`
	Rule     string `xml:"rule,attr"`
	Level    string `xml:"level,attr"`
}

type warningElement struct {
	Code string `xml:"code,attr"`
	Text string `xml:",chardata"`
}
