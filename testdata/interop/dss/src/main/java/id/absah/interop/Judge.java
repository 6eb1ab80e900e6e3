package id.absah.interop;

import com.google.gson.Gson;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * EU DSS as a judge of signed PDF files, under DSS's own default policy.
 *
 * <p>Arguments are {@code --threads N}, how many files are judged at once (1),
 * and PEM files of trust anchors. Standard input holds one JSON object a line,
 * and each is answered, in order, with one JSON object a line: see
 * testdata/interop/README.md for both. All files are judged in this one
 * process, because starting DSS costs more than judging.
 *
 * <p>A file that claims B-LT or B-LTA is judged without the network, as is one
 * that asks for it; for the others OCSP and CRL are asked where the
 * certificates say. A file on which DSS takes longer than {@link #LIMIT} gets
 * an error for an answer.
 */
public final class Judge {
    /** How long DSS may take for one file, in seconds. */
    private static final long LIMIT = 120;

    /** What the printing thread gets after the last answer. */
    private static final CompletableFuture<Answer> END = new CompletableFuture<>();

    private final Map<List<String>, CommonTrustedCertificateSource> sources = new HashMap<>();
    private final List<String> anchors;
    private final int threads;

    private Judge(List<String> anchors, int threads) {
        this.anchors = anchors;
        this.threads = threads;
    }

    public static void main(String[] args) throws Exception {
        List<String> anchors = List.of(args);
        int threads = 1;
        if (anchors.size() > 1 && anchors.get(0).equals("--threads")) {
            threads = Integer.parseInt(anchors.get(1));
            anchors = anchors.subList(2, anchors.size());
        }
        new Judge(anchors, threads).run();
        System.exit(0); // a file that DSS never finishes must not keep the process
    }

    private void run() throws Exception {
        Gson gson = new Gson();
        BlockingQueue<CompletableFuture<Answer>> pending = new LinkedBlockingQueue<>();
        Thread printer = new Thread(() -> print(gson, pending));
        printer.start();
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ExecutorService workers = Executors.newCachedThreadPool();
        Semaphore free = new Semaphore(threads);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Case c = gson.fromJson(line, Case.class);
            CommonTrustedCertificateSource source = source(c.trust == null ? anchors : c.trust);
            free.acquire();
            CompletableFuture<Answer> answer =
                    CompletableFuture.supplyAsync(() -> answer(c, source), workers)
                            .completeOnTimeout(late(c), LIMIT, TimeUnit.SECONDS);
            answer.whenComplete((a, e) -> free.release());
            pending.add(answer);
        }
        pending.add(END);
        printer.join();
    }

    private static void print(Gson gson, BlockingQueue<CompletableFuture<Answer>> pending) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try {
            for (CompletableFuture<Answer> a = pending.take(); a != END; a = pending.take()) {
                out.println(gson.toJson(a.join()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Answer answer(Case c, CommonTrustedCertificateSource source) {
        try {
            return new Validation(c, source).answer();
        } catch (Exception | StackOverflowError | OutOfMemoryError e) { // must not end the batch
            return Answer.broken(c.file, e);
        }
    }

    private static Answer late(Case c) {
        return Answer.broken(c.file, new TimeoutException("no answer in " + LIMIT + " s"));
    }

    private CommonTrustedCertificateSource source(List<String> files)
            throws IOException, CertificateException {
        CommonTrustedCertificateSource source = sources.get(files);
        if (source != null) {
            return source;
        }
        source = new CommonTrustedCertificateSource();
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        for (String file : files) {
            try (InputStream in = Files.newInputStream(Path.of(file))) {
                for (Certificate certificate : factory.generateCertificates(in)) {
                    source.addCertificate(new CertificateToken((X509Certificate) certificate));
                }
            }
        }
        sources.put(files, source);
        return source;
    }
}
