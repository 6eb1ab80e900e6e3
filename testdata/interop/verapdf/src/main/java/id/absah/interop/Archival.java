package id.absah.interop;

import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * veraPDF as a judge of whether a file conforms to the flavour of PDF/A that
 * its metadata claims.
 *
 * <p>Standard input holds one JSON object a line, and each is answered with one
 * JSON object a line: see testdata/interop/README.md for both. A file that
 * claims no flavour is held to PDF/A-1b.
 */
public final class Archival {
    /** A file to be judged. */
    static final class Case {
        String file;
    }

    /** What veraPDF said of it. */
    static final class Answer {
        String file;
        String tool = "verapdf";
        boolean ok;
        String indication = "";
        String detail = "";
    }

    private Archival() {}

    public static void main(String[] args) throws Exception {
        LogManager.getLogManager().reset();
        Logger.getLogger("").setLevel(Level.OFF); // the answers say it
        VeraGreenfieldFoundryProvider.initialise();
        Gson gson = new Gson();
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(gson.toJson(answer(gson.fromJson(line, Case.class))));
        }
    }

    private static Answer answer(Case c) {
        Answer answer = new Answer();
        answer.file = c.file;
        try (PDFAParser parser = Foundries.defaultInstance().createParser(new File(c.file))) {
            PDFAFlavour flavour = parser.getFlavour();
            answer.indication = String.valueOf(flavour);
            PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false);
            ValidationResult result = validator.validate(parser);
            answer.ok = result.isCompliant();
            answer.detail =
                    result.getTestAssertions().stream()
                            .filter(a -> a.getStatus() == TestAssertion.Status.FAILED)
                            .map(a -> a.getRuleId().getClause() + ": " + a.getMessage())
                            .distinct()
                            .limit(5)
                            .collect(Collectors.joining("; "));
        } catch (Exception e) { // a broken file must not end the batch
            answer.ok = false;
            answer.indication = "ERROR";
            answer.detail = e.getClass().getSimpleName() + ": " + e.getMessage();
        }
        return answer;
    }
}
