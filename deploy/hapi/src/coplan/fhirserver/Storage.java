package coplan.fhirserver;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.api.IDaoRegistry;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.config.util.ResourceCountCacheUtil;
import ca.uhn.fhir.jpa.dao.FulltextSearchSvcImpl;
import ca.uhn.fhir.jpa.dao.IFulltextSearchSvc;
import ca.uhn.fhir.jpa.dao.search.HSearchSortHelperImpl;
import ca.uhn.fhir.jpa.dao.search.IHSearchSortHelper;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirPostgresDialect;
import ca.uhn.fhir.jpa.provider.DaoRegistryResourceSupportedSvc;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.search.IStaleSearchDeletingSvc;
import ca.uhn.fhir.jpa.search.StaleSearchDeletingSvcImpl;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.util.ResourceCountCache;
import ca.uhn.fhir.rest.api.IResourceSupportedSvc;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import com.zaxxer.hikari.HikariDataSource;
import jakarta.persistence.EntityManagerFactory;
import java.util.Properties;
import javax.sql.DataSource;
import org.hl7.fhir.dstu2.model.Subscription;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/** H2 in memory unless FHIR_DB_URL names another database; H2 in a file and PostgreSQL are known to work. */
@Configuration
@Import({
  JpaR4Config.class,
  JpaBatch2Config.class,
  Batch2JobsConfig.class,
  SubscriptionSubmitterConfig.class,
  SubscriptionProcessorConfig.class,
  SubscriptionChannelConfig.class,
  ThreadPoolFactoryConfig.class
})
public class Storage {
  private static final String DB_URL =
      Launcher.setting("FHIR_DB_URL", "jdbc:h2:mem:fhir;DB_CLOSE_DELAY=-1");

  /** A search is never answered from an earlier one: whoever has just written must find it. */
  @Bean
  public JpaStorageSettings storageSettings() {
    var settings = new JpaStorageSettings();
    settings.setReuseCachedSearchResultsForMillis(null);
    settings.setIndexMissingFields(JpaStorageSettings.IndexEnabledEnum.DISABLED);
    settings.setAllowExternalReferences(false);
    return settings;
  }

  @Bean
  public SubscriptionSettings subscriptionSettings() {
    var settings = new SubscriptionSettings();
    settings.addSupportedSubscriptionType(Subscription.SubscriptionChannelType.RESTHOOK);
    return settings;
  }

  @Bean
  public PartitionSettings partitionSettings() {
    return new PartitionSettings();
  }

  @Bean(destroyMethod = "close")
  public DataSource dataSource() {
    var pool = new HikariDataSource();
    pool.setJdbcUrl(DB_URL);
    pool.setUsername(Launcher.setting("FHIR_DB_USER", "sa"));
    pool.setPassword(Launcher.setting("FHIR_DB_PASSWORD", ""));
    pool.setMaximumPoolSize(Integer.parseInt(Launcher.setting("FHIR_DB_CONNECTIONS", "20")));
    return pool;
  }

  @Bean
  public LocalContainerEntityManagerFactoryBean entityManagerFactory(
      DataSource dataSource,
      ConfigurableListableBeanFactory beans,
      FhirContext fhirContext,
      JpaStorageSettings storageSettings) {
    var factory =
        HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhirContext, storageSettings);
    factory.setPersistenceUnitName("HAPI_PU");
    factory.setDataSource(dataSource);
    factory.setJpaProperties(jpaProperties());
    return factory;
  }

  private static Properties jpaProperties() {
    var dialect =
        DB_URL.startsWith("jdbc:postgresql") ? HapiFhirPostgresDialect.class : HapiFhirH2Dialect.class;
    var properties = new Properties();
    properties.put("hibernate.dialect", dialect.getName());
    properties.put("hibernate.hbm2ddl.auto", "update");
    properties.put("hibernate.search.enabled", "false");
    properties.put("hibernate.jdbc.batch_size", "20");
    properties.put(
        "hibernate.boot.archive.scan.scanner",
        "org.hibernate.boot.archive.scan.internal.DisabledScanner");
    return properties;
  }

  @Bean
  @Primary
  public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
    return new JpaTransactionManager(factory);
  }

  @Bean
  public DatabaseBackedPagingProvider pagingProvider() {
    var paging = new DatabaseBackedPagingProvider();
    paging.setDefaultPageSize(50);
    paging.setMaximumPageSize(1000);
    return paging;
  }

  // What HAPI's own configuration asks for and does not bring.

  @Bean
  public IEmailSender emailSender() {
    return email -> {};
  }

  @Bean
  public IStaleSearchDeletingSvc staleSearches() {
    return new StaleSearchDeletingSvcImpl();
  }

  @Bean
  public IFulltextSearchSvc fullText() {
    return new FulltextSearchSvcImpl();
  }

  @Bean
  public IHSearchSortHelper sortHelper(ISearchParamRegistry registry) {
    return new HSearchSortHelperImpl(registry);
  }

  @Bean
  public IResourceSupportedSvc supportedResources(IDaoRegistry registry) {
    return new DaoRegistryResourceSupportedSvc(registry);
  }

  @Bean(name = "myResourceCountsCache")
  public ResourceCountCache resourceCounts(IFhirSystemDao<?, ?> systemDao) {
    return ResourceCountCacheUtil.newResourceCountCache(systemDao);
  }
}
