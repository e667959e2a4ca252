package coplan.fhirserver;

import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.interceptor.api.IInterceptorService;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import org.springframework.context.ApplicationContext;

/** The interactions of all resource types of R4, transactions, paging and bulk export. */
final class FhirServlet extends RestfulServer {
  private static final long serialVersionUID = 1L;
  private final transient ApplicationContext context;

  FhirServlet(ApplicationContext context) {
    this.context = context;
  }

  @Override
  protected void initialize() {
    setFhirContext(context.getBean(FhirContext.class));
    setInterceptorService(context.getBean(IInterceptorService.class));
    registerProviders(context.getBean(ResourceProviderFactory.class).createProviders());
    registerProvider(context.getBean(IJpaSystemProvider.class));
    registerProvider(context.getBean(BulkDataExportProvider.class));
    setPagingProvider(context.getBean(DatabaseBackedPagingProvider.class));
    setDefaultResponseEncoding(EncodingEnum.JSON);
    setServerConformanceProvider(
        new JpaCapabilityStatementProvider(
            this,
            context.getBean(IFhirSystemDao.class),
            context.getBean(JpaStorageSettings.class),
            context.getBean(ISearchParamRegistry.class),
            context.getBean(IValidationSupport.class)));
  }
}
