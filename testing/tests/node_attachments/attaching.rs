//! Attaching and detaching.

mod tier_2 {
    use std::time::Duration;

    use flex2csi::attachment::{AttachError, Attacher, Detached};

    use crate::site::*;

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_volume_goes_from_node_to_node() {
        let site = Site::shared().await;
        let (a, b) = (
            site.attacher("moves-a").await,
            site.attacher("moves-b").await,
        );
        let (wanted, volume) = (wanted("moves"), volume("moves"));
        let context = site.while_driven(a.attach(&wanted)).await.unwrap();
        assert_eq!(context["devicePath"], "/dev/vdb");
        let error = b.attach(&wanted).await.unwrap_err();
        assert!(
            matches!(&error, AttachError::Elsewhere { node, .. } if node == "moves-a"),
            "{error}"
        );

        assert_eq!(a.detach(&volume).await.unwrap(), Detached::UnderWay);
        site.while_driven(b.attach(&wanted)).await.unwrap();
        assert_eq!(site.attachment("moves", "moves-a").await, None);
        assert_eq!(site.lease_holder("moves").await.as_deref(), Some("moves-b"));
        site.while_driven(async {
            while b.detach(&volume).await.unwrap() != Detached::Gone {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(site.lease_holder("moves").await, None);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn of_two_nodes_that_race_one_gets_it() {
        let site = Site::shared().await;
        let (a, b) = (site.attacher("race-a").await, site.attacher("race-b").await);
        for number in 0..10 {
            let handle = format!("race-{number}");
            let wanted = wanted(&handle);
            let race = async { tokio::join!(a.attach(&wanted), b.attach(&wanted)) };
            let (loser, error) = match site.while_driven(race).await {
                (Ok(_), Err(error)) => ("race-b", error),
                (Err(error), Ok(_)) => ("race-a", error),
                both => panic!("{both:?}"),
            };
            assert!(matches!(error, AttachError::Elsewhere { .. }), "{error}");
            assert_eq!(site.attachment(&handle, loser).await, None);
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_rewritten_volumes_attachment_stays() {
        let site = Site::shared().await;
        site.attached("adopted", "adopts").await;
        site.put(csi_volume("pv-adopted", "adopted")).await;
        let attacher = site.attacher("adopts").await;
        let detached = attacher.detach(&volume("adopted")).await.unwrap();
        assert_eq!(detached, Detached::Adopted);
        let left = site.attachment("adopted", "adopts").await.unwrap();
        assert!(!left.is_being_deleted);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_volume_in_csi_form_with_the_same_handle_is_in_the_way() {
        let site = Site::shared().await;
        site.put(csi_volume("stranger", "twin")).await;
        let attacher = site.attacher("twins").await;
        let error = attacher.attach(&wanted("twin")).await.unwrap_err();
        assert!(
            error.to_string().contains("PersistentVolume stranger"),
            "{error}"
        );
        assert_eq!(site.attachment("twin", "twins").await, None);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_daemon_that_dies_at_any_moment_leaves_what_the_next_one_goes_on_with() {
        let site = Site::shared().await;
        let attacher = site.attacher("dies").await;
        let (wanted, volume) = (wanted("dies"), volume("dies"));
        site.while_driven(async {
            for step in 0..40 {
                let died = Duration::from_millis(2 * step);
                tokio::time::timeout(died, attacher.attach(&wanted))
                    .await
                    .ok();
                if step % 2 == 0 {
                    attacher.attach(&wanted).await.unwrap();
                }
                tokio::time::timeout(died, attacher.detach(&volume))
                    .await
                    .ok();
                if step % 3 == 0 {
                    attacher.attach(&wanted).await.unwrap();
                    assert_eq!(site.lease_holder("dies").await.as_deref(), Some("dies"));
                }
            }
            while attacher.detach(&volume).await.unwrap() != Detached::Gone {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(site.attachment("dies", "dies").await, None);
        assert_eq!(site.lease_holder("dies").await, None);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn an_api_server_that_stops_answering_is_waited_for() {
        let site = Site::own().await;
        let (attacher, wanted) = (site.attacher("waits").await, wanted("waits"));
        let stops = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            site.cluster.apiserver.pause().await.unwrap();
            tokio::time::sleep(Duration::from_secs(2)).await;
            site.cluster.apiserver.resume().await.unwrap();
            site.drive().await;
        };
        tokio::select! {
            done = attacher.attach(&wanted) => drop(done.unwrap()),
            () = stops => unreachable!(),
        }
        assert!(
            site.attachment("waits", "waits")
                .await
                .unwrap()
                .attached
                .is_some()
        );
    }
}
