import eu.europa.esig.validationreport.ValidationReportUtils;
import eu.europa.esig.validationreport.jaxb.ValidationReportType;
import jakarta.xml.bind.JAXBElement;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.Validator;

/**
 * Asks the schema of TS 119 102-2 that EU DSS ships about validation reports:
 * one path a line on standard input, "ok PATH" or "bad PATH: why" on standard
 * output. A report that the schema accepts is read with EU DSS's own classes
 * too, and every report of a signature in it must have an indication.
 */
public final class Validate {
  public static void main(String[] args) throws Exception {
    ValidationReportUtils utils = ValidationReportUtils.getInstance();
    Schema schema = utils.getSchema();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String path = in.readLine(); path != null; path = in.readLine()) {
      try {
        Validator validator = schema.newValidator();
        validator.validate(new StreamSource(Path.of(path).toFile()));
        JAXBElement<?> read =
            (JAXBElement<?>) utils.getJAXBContext().createUnmarshaller().unmarshal(Path.of(path).toFile());
        ValidationReportType report = (ValidationReportType) read.getValue();
        boolean all = report.getSignatureValidationReport().stream()
            .allMatch(s -> s.getSignatureValidationStatus().getMainIndication() != null);
        System.out.println(all ? "ok " + path : "bad " + path + ": EU DSS knows no such indication");
      } catch (Exception e) {
        System.out.println("bad " + path + ": " + String.valueOf(e.getMessage()).replaceAll("\\s+", " "));
      }
    }
  }
}
