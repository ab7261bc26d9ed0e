//! Killed before and after each call that writes.

mod tier_2 {
    use std::collections::BTreeSet;

    use flex2csi::rewrite::STEPS;
    use flex2csi_testing::seed::Seed;
    use flex2csi_testing::tool::End;

    use crate::Scale;
    use crate::journey::{Journey, STRAIGHT, To};
    use crate::troubles::Trouble;

    /// How often a step may be come to before the process is killed there.
    const LATEST: u64 = 12;

    /// Every boundary of every step, on both ways: those that each way comes to.
    fn boundaries() -> BTreeSet<(bool, String)> {
        let steps = STEPS.iter().flat_map(|step| {
            let sides = ["before", "after"].map(|side| format!("{step}.{side}"));
            sides.map(|boundary| [(false, boundary.clone()), (true, boundary)])
        });
        let all = steps.flatten();
        // A rollback makes no record. A rewrite turns nothing round: it refuses what is
        // being brought back, and after that it makes a record anew.
        all.filter(|(back, boundary)| {
            let other = if *back { "record." } else { "direction." };
            !boundary.starts_with(other)
        })
        .collect()
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn at_each_boundary_in_turn() {
        let scale = Scale::from_env();
        let mut seed = Seed::from_env("FLEX2CSI_TEST_SEED", 1);
        let mut journey = Journey::begin(STRAIGHT, scale.pairs, seed.number(), 0).await;
        let mut left = boundaries();
        while left.len() > scale.steps {
            let number = usize::try_from(seed.below(left.len() as u64)).unwrap();
            let chosen = left.iter().nth(number).unwrap().clone();
            left.remove(&chosen);
        }
        let all = left.len();
        let mut latest = LATEST;
        while !left.is_empty() {
            let passes = journey.passes;
            for (back, boundary) in left.clone() {
                if back != (journey.to == To::Legacy) {
                    continue;
                }
                let count = 1 + seed.below(latest);
                let end = End::At(format!("{boundary}:{count}"));
                let ended = journey.run(&end, Trouble::None).await;
                let way = if back { "back" } else { "forward" };
                println!("{way}, {boundary}:{count}: {:?}", ended.code);
                if ended.was_killed() {
                    left.remove(&(back, boundary));
                }
                if journey.passes > passes {
                    break;
                }
            }
            if journey.passes == passes {
                journey.finish().await;
            }
            latest = (latest / 2).max(1);
            assert!(journey.passes < 40, "never come to: {left:?}");
        }
        journey.finish().await;
        if journey.to == To::Legacy {
            journey.finish().await;
        }
        assert_eq!(journey.kills, all);
        journey.tell().await;
    }
}
