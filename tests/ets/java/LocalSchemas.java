/* Serves the remote schemas of the test suite from a local folder: https://HOST/PATH is FOLDER/HOST/PATH. Nothing
 * else is fetched by https while the suite runs. */
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import org.testng.IExecutionListener;

public class LocalSchemas implements IExecutionListener {

    @Override
    public void onExecutionStart() {
        Path root = Path.of(System.getProperty("schemas"));

        URL.setURLStreamHandlerFactory(protocol -> protocol.equals("https") ? handler(root) : null);
    }

    private static URLStreamHandler handler(Path root) {
        return new URLStreamHandler() {
            @Override
            protected URLConnection openConnection(URL url) throws IOException {
                Path file = root.resolve(url.getHost() + url.getPath()).normalize();

                if (!file.startsWith(root) || !Files.isRegularFile(file))
                    throw new FileNotFoundException("there is no local copy of " + url);
                return file.toUri().toURL().openConnection();
            }
        };
    }
}
