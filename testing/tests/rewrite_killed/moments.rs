//! Killed at any instant, in weather in which calls fail, with kube-apiserver and
//! kube-controller-manager killed as well.

mod tier_2 {
    use std::time::Duration;

    use flex2csi_testing::seed::Seed;
    use flex2csi_testing::tool::End;

    use crate::Scale;
    use crate::journey::{Journey, STRAIGHT, To};
    use crate::troubles::Trouble;

    /// How long the process is let live at most. It takes a second or two before it
    /// begins to write.
    const LONGEST: u64 = 8_000;

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn at_any_instant_in_any_weather() {
        let scale = Scale::from_env();
        let mut seed = Seed::from_env("FLEX2CSI_TEST_SEED", 1);
        let mut journey = Journey::begin(STRAIGHT, scale.pairs, seed.number(), 30).await;
        while journey.kills < scale.moments {
            let end = End::After(Duration::from_millis(seed.below(LONGEST)));
            let trouble = Trouble::by_chance(&mut seed);
            let ended = journey.run(&end, trouble).await;
            let kills = journey.kills;
            println!("{kills}: {end:?}, {trouble:?}: {:?}", ended.code);
        }
        journey.finish().await;
        if journey.to == To::Legacy {
            journey.finish().await;
        }
        journey.tell().await;
    }
}
