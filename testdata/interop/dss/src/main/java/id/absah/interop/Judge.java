package id.absah.interop;

import com.google.gson.Gson;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.SubIndication;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.service.crl.OnlineCRLSource;
import eu.europa.esig.dss.service.ocsp.OnlineOCSPSource;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * EU DSS as a judge of what Absah signs, under DSS's own default policy.
 *
 * <p>Arguments are PEM files of trust anchors. Standard input holds one JSON
 * object a line, and each is answered with one JSON object a line: see
 * testdata/interop/README.md for both. All files are judged in this one
 * process, because starting DSS costs more than judging.
 *
 * <p>A file that claims B-LT or B-LTA is judged without the network; for the
 * others OCSP and CRL are asked where the certificates say.
 */
public final class Judge {
    /** A file to be judged. */
    static final class Case {
        String file;
        String level;
        String password;
        String at;
    }

    /** What DSS said of it. */
    static final class Answer {
        String file;
        String tool = "dss";
        boolean ok;
        String level = "";
        String indication = "";
        String subIndication = "";
        String detail = "";
        final SortedSet<String> warnings = new TreeSet<>();
    }

    private final CommonTrustedCertificateSource anchors;

    private Judge(CommonTrustedCertificateSource anchors) {
        this.anchors = anchors;
    }

    public static void main(String[] args) throws Exception {
        Judge judge = new Judge(anchors(args));
        Gson gson = new Gson();
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(gson.toJson(judge.answer(gson.fromJson(line, Case.class))));
        }
    }

    private static CommonTrustedCertificateSource anchors(String[] files) throws Exception {
        CommonTrustedCertificateSource source = new CommonTrustedCertificateSource();
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        for (String file : files) {
            try (InputStream in = Files.newInputStream(Path.of(file))) {
                for (Certificate certificate : factory.generateCertificates(in)) {
                    source.addCertificate(new CertificateToken((X509Certificate) certificate));
                }
            }
        }
        return source;
    }

    private Answer answer(Case c) {
        Answer answer = new Answer();
        answer.file = c.file;
        try {
            judge(c, answer);
        } catch (Exception | StackOverflowError e) { // a broken file must not end the batch
            answer.ok = false;
            answer.indication = "ERROR";
            answer.subIndication = e.getClass().getSimpleName();
            answer.detail = String.valueOf(e.getMessage());
        }
        return answer;
    }

    private void judge(Case c, Answer answer) {
        PDFDocumentValidator validator = new PDFDocumentValidator(new FileDocument(c.file));
        validator.setCertificateVerifier(verifier(c));
        if (c.password != null) {
            validator.setPasswordProtection(c.password.toCharArray());
        }
        if (c.at != null) {
            validator.setValidationTime(Date.from(Instant.parse(c.at)));
        }
        Reports reports = validator.validateDocument();
        SimpleReport report = reports.getSimpleReport();
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
    }

    private CommonCertificateVerifier verifier(Case c) {
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(anchors);
        verifier.setAIASource(null);
        if (!"B-LT".equals(c.level) && !"B-LTA".equals(c.level)) {
            verifier.setOcspSource(new OnlineOCSPSource());
            verifier.setCrlSource(new OnlineCRLSource());
        }
        return verifier;
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
