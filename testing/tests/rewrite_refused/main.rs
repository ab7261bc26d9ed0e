//! A real API server that does not let the rewriter, or not all the way, and what its
//! audit log says of who was there.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    mod admission;
    mod audit;
    mod journal;
    mod rights;

    use std::time::Duration;

    use flex2csi_testing::Cluster;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::Expect;
    use flex2csi_testing::rewriter::Rewriter;
    use flex2csi_testing::tool::Ended;
    use flex2csi_testing::{api, applied::applied};
    use kube::api::{DeleteParams, PostParams};
    use serde_json::Value;

    /// A cluster with so many volumes, and who rewrites them.
    async fn site(pairs: usize) -> Rewriter {
        Rewriter::start(ApiRate::FAST, pairs).await.unwrap()
    }

    async fn run(site: &Rewriter, verb: &str) -> Ended {
        run_with(site, verb, &[]).await
    }

    async fn run_with(site: &Rewriter, verb: &str, more: &[&str]) -> Ended {
        let tool = site.tool(verb, None).unwrap();
        let all = ["--all", "--yes", "--without-node-evidence"];
        tool.arguments(all).arguments(more).run().await.unwrap()
    }

    #[track_caller]
    fn ended(ended: &Ended, code: i32, says: &[&str]) {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(code), "{said}");
        for text in says {
            assert!(said.contains(text), "{text:?} is not in {said}");
        }
    }

    /// Tries again, for as long as a server needs to take note of what was changed.
    async fn until(site: &Rewriter, verb: &str, is: impl Fn(&Ended) -> bool) -> Ended {
        let mut last = None;
        for _ in 0..60 {
            let ended = run(site, verb).await;
            if is(&ended) {
                return ended;
            }
            last = Some(ended);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("{verb} never ends so: {last:?}");
    }

    /// Every volume, claim and record is as it has to be.
    async fn check(site: &Rewriter, expect: Expect) {
        site.fleet.check(&site.cluster, expect).await.unwrap();
    }

    /// Puts an object there as it is to be, whatever it was.
    async fn replace(cluster: &Cluster, object: &Value) {
        let objects = api::of(&cluster.client().unwrap(), object);
        let name = object["metadata"]["name"].as_str().unwrap();
        let mut object = object.clone();
        let there = objects.get(name).await.unwrap();
        object["metadata"]["resourceVersion"] = there.metadata.resource_version.into();
        let object = serde_json::from_value(object).unwrap();
        let parameters = PostParams::default();
        objects.replace(name, &parameters, &object).await.unwrap();
    }

    /// Puts objects into the cluster.
    async fn put(cluster: &Cluster, objects: &[Value]) {
        applied(cluster, objects.to_vec()).await.unwrap();
    }

    /// Takes them out of it again.
    async fn remove(cluster: &Cluster, objects: &[Value]) {
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap();
            let objects = api::of(&cluster.client().unwrap(), object);
            objects
                .delete(name, &DeleteParams::default())
                .await
                .unwrap();
        }
    }
}
