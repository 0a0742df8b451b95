import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on a free loopback port, which it prints behind the word `ready`. Its own launcher binds every
 * interface and has no option against it, so the listener is replaced before the server starts. The field that holds it
 * is private; the version is pinned, and a missing field fails at once.
 */
final class OnLoopback {
    public static void main(String[] options) throws Exception {
        // Whoever started it may be killed: it never outlives them.
        ProcessHandle.current().parent().ifPresent(parent -> parent.onExit().thenRun(() -> System.exit(0)));
        DynamoDBProxyServer dynamodb = ServerRunner.createServerFromCommandLineArgs(options);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        Server server = (Server) field.get(dynamodb);
        ServerConnector loopback = new ServerConnector(server);
        loopback.setHost("127.0.0.1");
        server.setConnectors(new Connector[] {loopback});
        dynamodb.start();
        System.out.println("ready http://127.0.0.1:" + loopback.getLocalPort());
        dynamodb.join();
    }
}
