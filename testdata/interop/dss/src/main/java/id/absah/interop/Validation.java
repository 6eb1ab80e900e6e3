package id.absah.interop;

import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.PDFRevisionWrapper;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.SubIndication;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.pdf.modifications.DefaultPdfDifferencesFinder;
import eu.europa.esig.dss.pdf.pdfbox.PdfBoxDefaultObjectFactory;
import eu.europa.esig.dss.service.crl.OnlineCRLSource;
import eu.europa.esig.dss.service.ocsp.OnlineOCSPSource;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.stream.Collectors;

/** The judgement of one file. */
final class Validation {
    /**
     * Up to what size, in bytes, DSS may also draw the pages before and after
     * to find what looks different. Of scanned pages that takes minutes; the
     * comparison of objects has no such limit.
     */
    private static final long DRAWN = 100_000;

    private final Case c;
    private final CommonTrustedCertificateSource anchors;

    Validation(Case c, CommonTrustedCertificateSource anchors) {
        this.c = c;
        this.anchors = anchors;
    }

    Answer answer() {
        PDFDocumentValidator validator = new PDFDocumentValidator(new FileDocument(c.file));
        validator.setCertificateVerifier(verifier());
        validator.setPdfObjFactory(objects());
        if (c.password != null) {
            validator.setPasswordProtection(c.password.toCharArray());
        }
        if (c.at != null) {
            validator.setValidationTime(Date.from(Instant.parse(c.at)));
        }
        Reports reports = validator.validateDocument();
        Answer answer = overall(reports.getSimpleReport());
        answer.signatures.addAll(each(reports.getSimpleReport(), reports.getDiagnosticData()));
        return answer;
    }

    private PdfBoxDefaultObjectFactory objects() {
        DefaultPdfDifferencesFinder differences = new DefaultPdfDifferencesFinder();
        if (new File(c.file).length() > DRAWN) {
            differences.setMaximalPagesAmountForVisualComparison(0);
        }
        PdfBoxDefaultObjectFactory factory = new PdfBoxDefaultObjectFactory();
        factory.setPdfDifferencesFinder(differences);
        return factory;
    }

    private CommonCertificateVerifier verifier() {
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(anchors);
        verifier.setAIASource(null);
        if (!c.withoutNetwork()) {
            verifier.setOcspSource(new OnlineOCSPSource());
            verifier.setCrlSource(new OnlineCRLSource());
        } else if (c.offline) {
            Evidence evidence = Evidence.of(c);
            verifier.setOcspSource(evidence.ocsps());
            verifier.setCrlSource(evidence.crls());
        }
        return verifier;
    }

    /** The verdict of the file: good when every signature and timestamp is. */
    private Answer overall(SimpleReport report) {
        Answer answer = new Answer(c.file);
        answer.ok = !report.getSignatureIdList().isEmpty();
        answer.indication = answer.ok ? Indication.TOTAL_PASSED.name() : "NO_SIGNATURE";
        List<String> levels = new ArrayList<>();
        List<String> details = new ArrayList<>();
        for (String id : report.getSignatureIdList()) {
            levels.add(level(report, id));
            report.getAdESValidationWarnings(id).forEach(w -> answer.warnings.add(w.getValue()));
            if (report.getIndication(id) != Indication.TOTAL_PASSED) {
                worsen(answer, report, id);
                details.add(reasons(report, id));
            }
        }
        for (String id : report.getTimestampIdList()) {
            if (report.getIndication(id) != Indication.PASSED) {
                worsen(answer, report, id);
                details.add("timestamp: " + reasons(report, id));
            }
        }
        answer.level = String.join(",", levels);
        answer.detail = String.join("; ", details);
        return answer;
    }

    /** What the reports say of each signature. */
    private static List<Answer.Signature> each(SimpleReport report, DiagnosticData data) {
        List<Answer.Signature> all = new ArrayList<>();
        for (String id : report.getSignatureIdList()) {
            SignatureWrapper signature = data.getSignatureById(id);
            boolean holds = signature.isSignatureIntact() && signature.isSignatureValid();
            for (String field : fields(signature.getPDFRevision())) {
                Answer.Signature one = one(report, id, signature.getPDFRevision(), holds);
                one.field = field;
                all.add(one);
            }
        }
        return all;
    }

    /** The fields that show a signature: one, or several of a forged file. */
    private static List<String> fields(PDFRevisionWrapper revision) {
        return revision == null ? List.of("") : revision.getSignatureFieldNames();
    }

    private static Answer.Signature one(
            SimpleReport report, String id, PDFRevisionWrapper revision, boolean holds) {
        Answer.Signature s = new Answer.Signature();
        SubIndication sub = report.getSubIndication(id);
        s.indication = String.valueOf(report.getIndication(id));
        s.subIndication = sub == null ? "" : sub.name();
        s.intact = holds;
        s.detail = reasons(report, id);
        if (revision != null) {
            s.intact =
                    holds
                            && revision.isSignatureByteRangeValid()
                            && revision.isPdfSignatureDictionaryConsistent();
            s.changes = changes(revision);
        }
        return s;
    }

    /**
     * What DSS saw changed after the signature beyond what it has a category
     * for. Its default policy only warns of these, so the indication need not
     * show them.
     */
    private static String changes(PDFRevisionWrapper revision) {
        List<String> seen = new ArrayList<>();
        if (!revision.getPdfUndefinedChanges().isEmpty()) {
            seen.add(
                    "undefined: "
                            + revision.getPdfUndefinedChanges().stream()
                                    .map(m -> m.getValue())
                                    .limit(3)
                                    .collect(Collectors.joining(" ")));
        }
        if (!revision.getPdfAnnotationChanges().isEmpty()) {
            seen.add("annotations");
        }
        if (!revision.getPdfAnnotationsOverlapConcernedPages().isEmpty()) {
            seen.add("overlapping annotations");
        }
        if (!revision.getPdfVisualDifferenceConcernedPages().isEmpty()) {
            seen.add("visual difference");
        }
        if (!revision.getPdfPageDifferenceConcernedPages().isEmpty()) {
            seen.add("number of pages");
        }
        return String.join(", ", seen);
    }

    private static String level(SimpleReport report, String id) {
        return report.getSignatureFormat(id) == null
                ? ""
                : report.getSignatureFormat(id).toString().replace("PAdES-BASELINE-", "B-");
    }

    private static void worsen(Answer answer, SimpleReport report, String id) {
        SubIndication sub = report.getSubIndication(id);
        answer.ok = false;
        answer.indication = String.valueOf(report.getIndication(id));
        answer.subIndication = sub == null ? "" : sub.name();
    }

    private static String reasons(SimpleReport report, String id) {
        return report.getAdESValidationErrors(id).stream()
                .map(message -> message.getValue())
                .collect(Collectors.joining(", "));
    }
}
