//! The one HTTP client: rustls on ring, one connection pool for every service and for the answers.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use crate::CONNECT_TIMEOUT;

/// How long an idle connection is kept. Lambda freezes a function between requests, and what was idle
/// for long is then likely to be dead at the other end.
const IDLE: Duration = Duration::from_secs(20);

/// Makes the connector when it is first needed, and only once: loading the root certificates is the
/// slowest thing that this crate does, and the SDK's own client would do it for every service.
#[derive(Clone)]
pub(crate) struct Http(Arc<Lazy>);

struct Lazy {
    proxy: ProxyConfig,
    connector: OnceLock<SharedHttpConnector>,
}

impl Http {
    /// Goes through the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name, if any.
    pub(crate) fn with_environment_proxy() -> Self {
        Self::new(ProxyConfig::from_env())
    }

    pub(crate) fn new(proxy: ProxyConfig) -> Self {
        Self(Arc::new(Lazy { proxy, connector: OnceLock::new() }))
    }

    /// The connector itself; a connection is given up after [`CONNECT_TIMEOUT`].
    pub(crate) fn connector(&self) -> SharedHttpConnector {
        let make = || {
            Connector::builder()
                .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
                .pool_idle_timeout(IDLE)
                .proxy_config(self.0.proxy.clone())
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build()
        };
        self.0.connector.get_or_init(|| SharedHttpConnector::new(make())).clone()
    }

    /// The connector as the SDK wants it. The SDK's settings are ignored: they are the same for every
    /// service, and are set above.
    pub(crate) fn client(&self) -> SharedHttpClient {
        let http = self.clone();
        http_client_fn(move |_, _| http.connector())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may hold a password.
        f.write_str("Http")
    }
}
