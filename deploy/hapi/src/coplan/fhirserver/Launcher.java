package coplan.fhirserver;

import ca.uhn.fhir.batch2.api.IJobMaintenanceService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.web.context.ContextLoaderListener;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;

/** Serves HAPI FHIR JPA at /fhir. Settings come from the environment or as -D, see README.md. */
public final class Launcher {
  private Launcher() {}

  public static void main(String[] arguments) throws Exception {
    var context = new AnnotationConfigWebApplicationContext();
    context.register(Storage.class);
    var server = new Server();
    var connector = new ServerConnector(server);
    connector.setHost(setting("FHIR_HOST", "127.0.0.1"));
    connector.setPort(Integer.parseInt(setting("FHIR_PORT", "8090")));
    server.addConnector(connector);
    server.setHandler(handler(context));
    server.setStopTimeout(5_000);
    server.setStopAtShutdown(true);
    server.start();
    maintainJobs(context);
    System.out.println("READY " + connector.getHost() + ":" + connector.getLocalPort());
    server.join();
  }

  static String setting(String name, String otherwise) {
    var value = System.getProperty(name, System.getenv(name));
    return value == null || value.isBlank() ? otherwise : value;
  }

  private static ServletContextHandler handler(AnnotationConfigWebApplicationContext context) {
    var handler = new ServletContextHandler("/");
    handler.addEventListener(new ContextLoaderListener(context));
    context.setServletContext(handler.getServletContext());
    var servlet = new ServletHolder(new FhirServlet(context));
    servlet.setInitOrder(1);
    handler.addServlet(servlet, "/fhir/*");
    return handler;
  }

  /** Bulk exports advance only when somebody looks after the jobs; HAPI's own schedule does not start here. */
  private static void maintainJobs(AnnotationConfigWebApplicationContext context) {
    var jobs = context.getBean(IJobMaintenanceService.class);
    var everySecond =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "job-maintenance");
              thread.setDaemon(true);
              return thread;
            });
    everySecond.scheduleWithFixedDelay(() -> attempt(jobs), 1, 1, TimeUnit.SECONDS);
  }

  private static void attempt(IJobMaintenanceService jobs) {
    try {
      jobs.forceMaintenancePass();
    } catch (RuntimeException failed) {
      System.err.println("job maintenance: " + failed.getMessage());
    }
  }
}
