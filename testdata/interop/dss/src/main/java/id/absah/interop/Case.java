package id.absah.interop;

import java.util.List;

/** A file to be judged, as one line of standard input gives it. */
final class Case {
    String file;

    /** The lowest level that any signature must reach; null for none. */
    String level;

    String password;

    /** The moment of judgement in RFC 3339; null for now. */
    String at;

    /** Whether OCSP and CRL addresses must not be asked. */
    boolean offline;

    /** PEM files of trust anchors; null for those of the command line. */
    List<String> trust;

    /** Tells whether the file must be judged by what it holds alone. */
    boolean withoutNetwork() {
        return offline || "B-LT".equals(level) || "B-LTA".equals(level);
    }
}
