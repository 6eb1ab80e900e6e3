package id.absah.interop;

import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.ExternalResourcesOCSPSource;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.pdfbox.Loader;
import org.apache.pdfbox.cos.COSArray;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.cos.COSStream;
import org.apache.pdfbox.pdmodel.PDDocument;

/**
 * The revocation data of a file's document security store.
 *
 * <p>DSS itself uses a store only for the signatures that it follows. Whoever
 * judges what a file holds must see a store in the signed revision too, so for
 * judgement without the network it is handed to DSS as if it came from there.
 */
final class Evidence {
    private final List<InputStream> crls;
    private final List<InputStream> ocsps;

    private Evidence(List<InputStream> crls, List<InputStream> ocsps) {
        this.crls = crls;
        this.ocsps = ocsps;
    }

    /** Reads the store of a file; of a file that cannot be read, nothing. */
    static Evidence of(Case c) {
        String password = c.password == null ? "" : c.password;
        try (PDDocument document = Loader.loadPDF(new File(c.file), password)) {
            COSDictionary store =
                    document.getDocumentCatalog()
                            .getCOSObject()
                            .getCOSDictionary(COSName.getPDFName("DSS"));
            if (store != null) {
                return new Evidence(streams(store, "CRLs"), streams(store, "OCSPs"));
            }
        } catch (IOException | RuntimeException e) {
            // what is wrong with the file, DSS will say
        }
        return new Evidence(List.of(), List.of());
    }

    ExternalResourcesCRLSource crls() {
        return new ExternalResourcesCRLSource(readable(crls, ExternalResourcesCRLSource::new));
    }

    ExternalResourcesOCSPSource ocsps() {
        return new ExternalResourcesOCSPSource(readable(ocsps, ExternalResourcesOCSPSource::new));
    }

    private interface Parser {
        Object parse(InputStream... all);
    }

    /** One item that cannot be parsed must not hide the others. */
    private static InputStream[] readable(List<InputStream> all, Parser parser) {
        List<InputStream> good = new ArrayList<>();
        for (InputStream in : all) {
            try {
                parser.parse(in);
                in.reset();
                good.add(in);
            } catch (IOException | RuntimeException e) {
                // DSS would not use it either
            }
        }
        return good.toArray(new InputStream[0]);
    }

    private static List<InputStream> streams(COSDictionary store, String key) throws IOException {
        List<InputStream> all = new ArrayList<>();
        COSArray array = store.getCOSArray(COSName.getPDFName(key));
        for (int i = 0; array != null && i < array.size(); i++) {
            if (array.getObject(i) instanceof COSStream stream) {
                try (InputStream in = stream.createInputStream()) {
                    all.add(new ByteArrayInputStream(in.readAllBytes()));
                }
            }
        }
        return all;
    }
}
