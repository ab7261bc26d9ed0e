//! One is paused at the worst moments, and another does its work meanwhile, and takes
//! it back, even: what the first does when it wakes up goes nowhere.

mod tier_2 {
    use flex2csi_testing::seed::Seed;

    use crate::Scale;
    use crate::journey::{Journey, STRAIGHT, To};

    /// Right before what it would do next to something that is not as it was.
    const BEFORE: [&str; 9] = [
        "record.before",
        "mark.before",
        "commit.before",
        "delete.before",
        "delete.after",
        "release.before",
        "create.before",
        "poke.before",
        "settle.before",
    ];

    /// A pass takes all of them; more would only take longer.
    const MOST: usize = 96;

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn who_was_asleep_does_no_harm() {
        let scale = Scale::from_env();
        let mut seed = Seed::from_env("FLEX2CSI_TEST_SEED", 1);
        let mut journey = Journey::begin(STRAIGHT, scale.pairs.min(MOST), seed.number(), 0).await;
        let mut left = BEFORE.to_vec();
        while left.len() > scale.pauses {
            left.remove(usize::try_from(seed.below(left.len() as u64)).unwrap());
        }
        for step in left {
            // Whoever wakes up finds the work done, or finds it taken back as well.
            for passes in [1, 2, 2, 1] {
                let from = journey.to;
                if from == To::Legacy && step.starts_with("record.") {
                    // A rollback makes no record.
                    journey.finish().await;
                    continue;
                }
                let step = format!("{step}:{}", 1 + seed.below(8));
                let first = journey.tool();
                let meanwhile = async {
                    for _ in 0..passes {
                        journey.finish().await;
                    }
                };
                let (ended, happened) = first.run_paused_at(&step, meanwhile).await.unwrap();
                let code = ended.code;
                println!("towards {from:?}, {step}, {passes} passes meanwhile: {code:?}");
                assert!(happened.is_some(), "{step}: {}", ended.stderr);
                // It may do what is left to do its way, and nothing else.
                journey.to = from;
                journey.finish().await;
            }
        }
        if journey.to == To::Legacy {
            journey.finish().await;
        }
        journey.tell().await;
    }
}
