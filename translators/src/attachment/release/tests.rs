use proptest::prelude::*;

use super::*;

const NODE_SAYS: [NodeSays; 5] = [
    NodeSays::Nothing,
    NodeSays::Unlisted,
    NodeSays::Restarted,
    NodeSays::InUse,
    NodeSays::Detaching,
];

const NODES: [Node; 4] = [
    Node::Here,
    Node::OutOfService,
    Node::Gone { long: false },
    Node::Gone { long: true },
];

/// Of a volume in legacy form on a living node, as it was the last time.
fn seen(node_says: NodeSays) -> Seen {
    Seen {
        node: Node::Here,
        node_says,
        is_adopted: false,
        is_rewritten: false,
        is_awaited: false,
        is_settled: true,
    }
}

fn rewritten(node_says: NodeSays) -> Seen {
    Seen {
        is_rewritten: true,
        ..seen(node_says)
    }
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let node = proptest::sample::select(NODES.to_vec());
    let says = proptest::sample::select(NODE_SAYS.to_vec());
    let flags = proptest::array::uniform4(any::<bool>());
    (node, says, flags).prop_map(
        |(node, node_says, [adopted, rewritten, awaited, settled])| Seen {
            node,
            node_says,
            is_adopted: adopted,
            is_rewritten: rewritten,
            is_awaited: awaited,
            is_settled: settled,
        },
    )
}

#[test]
fn what_a_node_let_go_of_goes() {
    let decision = decide(&seen(NodeSays::Detaching));
    assert_eq!(decision, Decision::Delete(Reason::LetGo));
}

#[test]
fn what_a_node_uses_or_does_not_tell_stays() {
    let kept = |says| decide(&seen(says));
    assert_eq!(kept(NodeSays::InUse), Decision::Keep(Keep::InUse));
    assert_eq!(kept(NodeSays::Nothing), Decision::Keep(Keep::NodeSilent));
    assert_eq!(kept(NodeSays::Unlisted), Decision::Keep(Keep::Unknown));
}

#[test]
fn a_node_that_was_started_anew_does_not_use_what_it_does_not_list() {
    let mut seen = seen(NodeSays::Restarted);
    assert_eq!(decide(&seen), Decision::Delete(Reason::NodeRestarted));
    seen.is_settled = false;
    assert_eq!(decide(&seen), Decision::Keep(Keep::Unsettled));
}

#[test]
fn a_rewritten_volume_that_nobody_adopted_goes_when_the_node_does_not_use_it() {
    for says in [NodeSays::Unlisted, NodeSays::Detaching, NodeSays::Restarted] {
        let mut seen = rewritten(says);
        assert_eq!(decide(&seen), Decision::Delete(Reason::NeverAdopted));
        seen.is_awaited = true;
        assert_eq!(decide(&seen), Decision::Keep(Keep::MayBeAdopted));
        seen.is_awaited = false;
        seen.is_settled = false;
        assert_eq!(decide(&seen), Decision::Keep(Keep::Unsettled));
    }
}

#[test]
fn a_gone_node_is_waited_for_as_kubernetes_waits() {
    for says in NODE_SAYS {
        let mut seen = seen(says);
        seen.node = Node::Gone { long: true };
        assert_eq!(decide(&seen), Decision::Delete(Reason::NodeGone));
        seen.node = Node::Gone { long: false };
        let expected = match says {
            NodeSays::Detaching => Decision::Delete(Reason::LetGo),
            _ => Decision::Keep(Keep::NodeJustGone),
        };
        assert_eq!(decide(&seen), expected);
    }
}

#[test]
fn the_taint_counts_unless_the_node_speaks_against_it() {
    for says in NODE_SAYS {
        let mut seen = seen(says);
        seen.node = Node::OutOfService;
        let expected = match says {
            NodeSays::InUse => Decision::Keep(Keep::NodeAlive),
            _ => Decision::Delete(Reason::OutOfService),
        };
        assert_eq!(decide(&seen), expected);
    }
}

#[test]
fn a_lease_is_free_when_it_is_released_or_nobody_can_hold_it() {
    assert!(frees_lease(&seen(NodeSays::InUse), true));
    assert!(!frees_lease(&seen(NodeSays::InUse), false));
    assert!(!frees_lease(&seen(NodeSays::Nothing), false));
    assert!(frees_lease(&seen(NodeSays::Unlisted), false));
    let unsettled = Seen {
        is_settled: false,
        ..seen(NodeSays::Unlisted)
    };
    assert!(!frees_lease(&unsettled, false));
}

proptest! {
    #[test]
    fn nothing_is_taken_from_a_living_node_that_uses_it_or_says_nothing(mut seen in any_seen()) {
        seen.node = Node::Here;
        if matches!(seen.node_says, NodeSays::InUse | NodeSays::Nothing) {
            prop_assert!(matches!(decide(&seen), Decision::Keep(_)));
            prop_assert!(!frees_lease(&seen, false));
        }
    }

    #[test]
    fn what_is_adopted_is_left_to_the_attach_detach_controller(mut seen in any_seen()) {
        seen.is_adopted = true;
        if seen.node != (Node::Gone { long: true }) {
            prop_assert!(matches!(decide(&seen), Decision::Keep(_)));
        }
    }

    #[test]
    fn no_decision_turns_on_what_does_not_settle(seen in any_seen()) {
        // Waiting a round never turns a Delete into a Keep.
        let later = Seen { is_settled: true, ..seen };
        if let Decision::Delete(reason) = decide(&seen) {
            prop_assert_eq!(decide(&later), Decision::Delete(reason));
        }
    }
}
