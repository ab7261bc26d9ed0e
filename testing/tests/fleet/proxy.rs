//! What a caller meets at an API server that fails, and what has happened then.

mod tier_2 {
    use flex2csi_testing::proxy::{Fault, Proxy, Rule, Weather};
    use flex2csi_testing::users::User;
    use flex2csi_testing::{Cluster, Setup};
    use http::Method;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, ListParams, PostParams};
    use kube::config::{Config, KubeConfigOptions, Kubeconfig};
    use serde_json::json;

    /// As a user sees it who repeats nothing.
    async fn through(proxy: &Proxy, cluster: &Cluster, user: &User) -> Api<ConfigMap> {
        let kubeconfig = proxy.kubeconfig(cluster, user).unwrap();
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.unwrap();
        config.default_retry = false;
        let client = kube::Client::try_from(config).unwrap();
        Api::namespaced(client, "default")
    }

    async fn create(api: &Api<ConfigMap>, name: &str) -> kube::Result<ConfigMap> {
        let object = json!({ "metadata": { "name": name } });
        let object = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &object).await
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn each_fault_is_as_it_says() {
        let cluster = Cluster::start_with(&Setup::default()).await.unwrap();
        let proxy = Proxy::start(&cluster, Weather::calm()).await.unwrap();
        let api = through(&proxy, &cluster, &User::admin()).await;
        create(&api, "calm").await.unwrap();
        for (fault, code, there) in [
            (Fault::Conflict, Some(409), false),
            (Fault::TooManyRequests, Some(429), false),
            (Fault::InternalError, Some(500), false),
            (Fault::Unavailable, Some(503), false),
            (Fault::Forbidden, Some(403), false),
            (Fault::Denied, Some(400), false),
            (Fault::Reset, None, false),
            (Fault::InternalErrorAfter, Some(500), true),
            (Fault::AnswerLost, None, true),
        ] {
            proxy.rule(Rule::next(Method::POST, "configmaps", fault));
            let name = format!("{fault:?}").to_lowercase();
            let error = create(&api, &name).await.unwrap_err();
            let said = match &error {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            };
            assert_eq!(said, code, "{fault:?}: {error}");
            let found = api.get_opt(&name).await.unwrap();
            assert_eq!(found.is_some(), there, "{fault:?}");
            assert_eq!(proxy.met()[&fault], 1);
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn the_weather_is_as_often_as_asked_and_callers_are_themselves() {
        let stranger = User::service_account("default", "stranger");
        let setup = Setup::default().user(stranger.clone());
        let cluster = Cluster::start_with(&setup).await.unwrap();
        let proxy = Proxy::start(&cluster, Weather::stormy(3, 300))
            .await
            .unwrap();
        let api = through(&proxy, &cluster, &User::admin()).await;
        for number in 0..300 {
            create(&api, &format!("map-{number}")).await.ok();
        }
        let met = proxy.met();
        assert_eq!(met.len(), Fault::BRIEF.len(), "{met:?}");
        let all: usize = met.values().sum();
        assert!((60..120).contains(&all), "{met:?}");

        let calm = Proxy::start(&cluster, Weather::calm()).await.unwrap();
        let maps = through(&calm, &cluster, &stranger).await;
        let error = maps.list(&ListParams::default()).await.unwrap_err();
        assert!(error.to_string().contains(&stranger.name), "{error}");
    }
}
