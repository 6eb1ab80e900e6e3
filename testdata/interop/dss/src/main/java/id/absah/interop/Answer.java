package id.absah.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** What DSS said of a file, as one line of standard output tells it. */
final class Answer {
    final String file;
    final String tool = "dss";
    boolean ok;
    String level = "";
    String indication = "";
    String subIndication = "";
    String detail = "";
    final SortedSet<String> warnings = new TreeSet<>();
    final List<Signature> signatures = new ArrayList<>();

    Answer(String file) {
        this.file = file;
    }

    /** An answer for a file that DSS could not judge at all. */
    static Answer broken(String file, Throwable cause) {
        Answer answer = new Answer(file);
        answer.indication = "ERROR";
        answer.subIndication = cause.getClass().getSimpleName();
        answer.detail = String.valueOf(cause.getMessage());
        return answer;
    }

    /** What DSS said of one signature. */
    static final class Signature {
        /** The name of its form field. */
        String field = "";

        String indication = "";
        String subIndication = "";

        /** Whether digest, signature value, ByteRange and dictionary hold. */
        boolean intact;

        /** What DSS saw changed since, of what it does not allow; empty for nothing. */
        String changes = "";

        String detail = "";
    }
}
