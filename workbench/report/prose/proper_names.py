"""Proper names that are no people: products, companies, places, days, departments, and methods named after people."""

from __future__ import annotations

from workbench.report.prose import vocabulary

_PRODUCTS = """Airflow Akka Amazon Ansible Apache Apple Arrow Athena Aurora Avro Azure Bazel Beam BigQuery Bigtable
    Bitbucket Blackwell Bugzilla Cassandra Celery Ceph Chroma Clickhouse ClickHouse Cloudera Cloudflare CloudWatch
    Cloudwatch Cockroach Confluence Confluent Consul Cortex Couchbase Cuda Dagster Dask Databricks Datadog Debezium
    Debian Delta Docker Druid Dynamo DynamoDB Elastic Elasticsearch Envoy Excel Facebook Faiss FastAPI Fastly Feast
    Fedora Fivetran Flask Flink Flyte Fluentd Fluentbit Gemini Gerrit Ghost Git GitHub GitLab Gitlab Github Glue Go
    Google Grafana Great Hadoop Harbor Harness Hashicorp Haystack Hazelcast HBase Helm Heroku Hive Honeycomb Hopper
    Horovod Hudi Hudson Hugging Iceberg Impala Influx Intel Istio Jaeger Java JavaScript Jenkins Jenkinsfile Jetson Jira
    Jupyter Kafka Keras Kibana Kinesis Knative Kong Kotlin Kubeflow Kubernetes Kustomize LangChain Lambda LaunchDarkly
    Linkerd Linux Llama Locust Logstash Loki Looker Lucene MariaDB Marquez Memcached Mesos Meta Metabase Metaflow
    Microsoft Milvus MinIO Mistral MLflow Mlflow Mongo MongoDB Monte MySQL Neo4j Neptune Netflix New Nginx Node Nomad
    Notion Numba NumPy Nvidia NVIDIA Okta OpenAI OpenLineage Opensearch OpenSearch OpenTelemetry Optuna Oracle
    PagerDuty Pagerduty Pandas Parquet Phoenix Pinecone Pinot Postgres PostgreSQL Prefect Presto Prometheus Protobuf
    Pulsar Pulumi Puppet PyTorch Pytorch Python Qdrant Quartz Rabbit RabbitMQ Rancher Ray React Redis Redash Redpanda
    Redshift Rust Sagemaker SageMaker Salesforce Samza Scala Scikit Segment Selenium Sentry Shopify Slack Snowflake
    Snowplow Solr Sonar Spanner Spark Splunk Spotify Spring Sqoop Stripe Superset Swarm Swift Tableau Teams Tecton
    Tekton Temporal Tensorboard TensorFlow Tensorflow TensorRT Teradata Terraform Tesla Thanos Thrift Timescale Torch
    Traefik Travis Trino Triton Twilio Twitter Ubuntu Unity Unix Vault Vector Vertica Vertex Vespa Victoria Visa
    Weaviate Windows Yarn YARN YouTube Zabbix Zeek Zendesk Zeppelin Zipkin ZooKeeper Zookeeper Ada Ampere Turing Volta
    Pascal Maxwell Kepler Lovelace Grace Alexa Siri Watson Claude Bard Copilot Julia Ruby Perl Haskell Erlang Elixir
    Mastercard Paypal Klarna Adyen Amex Sap Workday Jenkins Nagios Icinga Chef Salt Vagrant Packer Bamboo Concourse
    Argo Flux Spinnaker Tilt Skaffold Drone Buildkite Artifactory Nexus Verdaccio Kyverno Falco Calico Cilium Weave
    Velero Longhorn Rook Knox Ranger Atlas Amundsen Sqlite Soda Deequ Evidently Expectations Feathr Hopsworks Seldon
    Bento Cortex Ludwig Lightning Ignite Fairseq Whisper Stable Diffusion Bert Elmo Gpt Delphi Cobol Fortran"""
_PLACES = """Africa Amsterdam Asia Athens Atlanta Austin Australia Austria Bangalore Bavaria Beijing Belfast Belgium
    Bengaluru Berlin Berne Birmingham Bogota Bordeaux Boston Brazil Brussels Bucharest Budapest Cairo California Canada
    Canberra Cardiff Carolina Catania Chennai Chicago Chile China Cologne Columbia Copenhagen Cork Dakota Dallas Delhi
    Denmark Denver Detroit Dresden Dubai Dublin Dusseldorf Edinburgh Europe Finland Florence Florida Frankfurt France
    Galway Gdansk Geneva Georgia Germany Ghent Glasgow Gothenburg Greece Hague Hamburg Hanover Hanoi Helsinki Hong
    Houston Hungary Hyderabad Iberia Iceland India Indonesia Iowa Ireland Istanbul Italy Jakarta Japan Jersey
    Johannesburg
    Jordan Kenya Korea Krakow Kyoto Lagos Lausanne Leeds Leipzig Lille Lima Lisbon Ljubljana London Lyon Madrid Malmo
    Manchester Manila Marseille Melbourne Mexico Miami Milan Mombasa Montreal Moscow Mumbai Munich Nairobi Nantes Naples
    Netherlands Nevada Nice Nordics Norway Nuremberg Ohio Ontario Oregon Osaka Oslo Ottawa Oxford Paris Perth Peru
    Philadelphia Phoenix Poland Porto Portugal Portland Prague Quebec Quito Riga Rome Rotterdam Scandinavia Scotland
    Seattle Seoul Seville Shanghai Singapore Sofia Spain Stockholm Strasbourg Stuttgart Sweden Switzerland Sydney Taipei
    Tallinn Tampere Texas Tokyo Toronto Toulouse Turin Turkey Ukraine Utrecht Valencia Vancouver Venice Vienna Vietnam
    Vilnius Virginia Wales Warsaw Washington Wroclaw Yokohama York Zagreb Zurich Santiago Lincoln Madison Charlotte
    Savannah Adelaide Victoria Florence Odense Aarhus Bergen Trondheim Turku Eindhoven Antwerp Basel Graz Linz Brno
    Tartu Kaunas Gent Bilbao Malaga Murcia Cordoba Salamanca Parma Bologna Verona Bari Trento Darwin Hobart Wellington
    Auckland"""
_AFTER_PEOPLE = """Adam Akaike Amdahl Bayes Bellman Benford Benjamini Hochberg Bernoulli Bessel Beta Bloom Boltzmann
    Bonferroni
    Boole Brier Cauchy Chebyshev Cohen Conway Cramer Cramér Dickey Dijkstra Dirichlet Dunning Elo Erlang Euclid Euler
    Fisher Fourier Fleiss Frobenius Fuller Gamma Gauss Gaussian Gibbs Gini Goodhart Gompertz Granger Gumbel Hadamard
    Hamming Hawkes Hellinger Hessian Hilbert Hill Hoeffding Holt Winters Huber Huffman Jaccard Jacobian Jaro Winkler
    Jensen Shannon Kalman Kaplan Meier Kendall Kolmogorov Smirnov Kruskal Kullback Leibler Lagrange Laplace Lasso
    Levenshtein Lindley Lipschitz Little Lloyd Mahalanobis Mann Whitney Markov Matern McNemar Mercator Merkle Metropolis
    Hastings Minkowski Moore Moran Nagle Nash Nelder Mead Nesterov Newton Neyman Nyquist Ockham Occam Otsu Page
    Pareto Parzen Pearson Platt Poisson Polyak Pareto Rademacher Raft Rényi Reynolds Shapley Sharpe Sharpley Simpson
    Sinkhorn Sobel Spearman Student Taylor Thompson Tikhonov Tobin Tukey Turing Viterbi Voronoi Wald Wasserstein Weibull
    Welch Wiener Wilcoxon Wilson Yates Youden Zipf Paxos Lamport Chernoff Conway Anscombe Berkson Hawthorne Hyrum
    Murphy Parkinson Pygmalion Brooks Cantelli Kelly Kahn Tarjan Knuth Fibonacci Hodges Box Cox Johnson Yeo Dunn
    Dunnett Scheffé Hosmer Lemeshow Kuiper Anderson Darling Shapiro Wilk Ljung Bartlett Levene Hotelling Breusch Pagan
    Durbin Watson Hurst Lyapunov Wien Gabor Haar Daubechies Canny Hough Harris Mercer Moore Penrose Schur Cholesky
    Householder Givens Krylov Lanczos Xavier Glorot Kaiming Luhn Verhoeff Haversine Vincenty Soundex Metaphone Porter
    Snowball Zobrist Horner Karatsuba Brent Wolfe Armijo"""
_OTHERS = """January February March April May June July August September October November December Monday Tuesday
    Wednesday Thursday Friday Saturday Sunday Easter Christmas Ramadan Diwali Thanksgiving Black Cyber Prime Support
    Marketing Finance Legal Security Compliance Procurement Operations Sales Engineering Product Management Ops Platform
    Infra Infrastructure Data Risk Fraud Payments Search Ads Growth Billing Trading Treasury Audit Risk Research Design
    Customer Vendor Supplier Partner Team Teams People Nobody Somebody Someone Everybody Everyone They We You It He She
    This That These Those The One Two Both All Each Every Some Most Many No None Any Another Our Their There Here When
    While Once Since After Before Because If As On In At By For From With Without Within Under Over During Until Why How
    What Who Whoever Trigger Cause Root Contributing Factor Reviewers Engineers Developers Analysts Operators Night Day
    Shift Late Early Morning Evening Weekend Change Changes Commit Commits Deploy Deploys Release Releases Rollback
    Merge Flag Release Config Schema Telemetry Evidence Model Models Version Rows Errors Requests Users Feature Features
    Alert Alerts Codes Code Values Nulls Latency Drift Index Table Tables Job Jobs Pipeline Pipelines Service Services
    Source Sources Router Snapshot Mapping Inputs Proven Suspected Unmapped Open Apparently Probably Later Then Also
    Only Even Still Instead Manual Human English French German Spanish Dutch Italian Portuguese Polish Czech Danish
    Swedish Norwegian Finnish Greek Turkish Arabic Hebrew Hindi Urdu Bengali Tamil Chinese Mandarin Cantonese Japanese
    Korean Thai Vietnamese Malay Swahili Latin Cyrillic Unicode Ascii Boolean Null True False Neither Nothing Not But
    And Or So Or Had Has Have Was Were Is Are Be Being Been Do Did Does Could Would Should Might May Must Two Three"""


def _lower(*texts: str) -> frozenset[str]:
    return frozenset(word.lower() for text in texts for word in text.split())


NOT_PEOPLE = _lower(_PRODUCTS, _PLACES, _AFTER_PEOPLE, _OTHERS)
"""In lower case; a word of it alone is nobody, though a person may bear it beside another name."""
PRODUCTS = _lower(_PRODUCTS)
"""Products and platforms, whose number is a version."""
ACRONYMS = vocabulary("""ABI AI API AWS BI CD CDN CEO CFO CI CLI CPU CRM CSV CTO CTR CUDA CV DAG DB DBA DNS DS DWH
    ECS EKS ELT EMR ERP ETL
    ETA EU FAQ GCP GDPR GKE GPU GRU HPA HR HQ HSM HTTP IAM ID IDE IDS IO IP ISO IT JIT JSON JVM KMS KPI LB LLM LSTM MFA
    ML MQ NAT NFS NIC NLP NLU NOC OCR OLAP OOM OPS ORM OS PCA PCI PII PM PMS PO PR PSI QA QPS RAG RAM RBAC RDS REST RFC
    RL RNN ROC ROI RPC SA SCM SDK SDN SFTP SKU SLA SLI SLO SMS SOC SQL SQS SRE SSD SSE SSH SSL SSO SVM TCP TF TLS TPU
    TTL TTS TV UAT UDF UDP UI UK UPS URL US USA UTC UX VIP VM VPC VPN WAF XML YAML ECB FDA BBC IBM SAP HP AMD ARM NYC LA
    DC SF NY NZ AU CA DE FR IN JP CN NL SE NO DK FI ES PT PL CZ CH AT BE IE BR MX""")
"""Capitals that are no initials."""
