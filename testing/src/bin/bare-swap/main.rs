//! The floors of a rewrite: how fast volumes can be replaced at all.
//!
//! `bare-swap --kubeconfig FILE --orders FILE --outstanding N [--wait] [--journal]`
//!
//! Without `--wait` it is a bare loop: patch, delete, strip, create, and on to
//! the next. With it, it makes the very writes of a careful rewrite: it pokes the
//! claim, waits until both sides are Bound and puts the policy back, with at most
//! N volumes under way. `--journal` adds those of the record and the events. It checks nothing
//! and records nothing that it would read again: killed in between it loses
//! volumes, as a test of the tests shows.

mod bound;
mod record;
mod swap;

use std::path::PathBuf;

use anyhow::{Context, bail};
use flex2csi_testing::order;
use futures::{StreamExt, TryStreamExt, stream};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use crate::bound::Bound;
use crate::swap::Swap;

#[derive(Debug, Default)]
struct Arguments {
    kubeconfig: PathBuf,
    orders: PathBuf,
    outstanding: usize,
    wait: bool,
    journal: bool,
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let mut arguments = Self::default();
        let mut given = std::env::args().skip(1);
        while let Some(argument) = given.next() {
            let mut value = || given.next().context("an option lacks its value");
            match argument.as_str() {
                "--kubeconfig" => arguments.kubeconfig = value()?.into(),
                "--orders" => arguments.orders = value()?.into(),
                "--outstanding" => arguments.outstanding = value()?.parse()?,
                "--wait" => arguments.wait = true,
                "--journal" => arguments.journal = true,
                other => bail!("unknown option {other}"),
            }
        }
        Ok(arguments)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse()?;
    let orders = order::read(&arguments.orders)?;
    let kubeconfig = Kubeconfig::read_from(&arguments.kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let client = kube::Client::try_from(config)?;
    let bound = match arguments.wait {
        true => Some(Bound::watch(&client).await?),
        false => None,
    };
    let swap = Swap {
        client,
        bound,
        journal: arguments.journal,
    };
    let swaps = stream::iter(&orders).map(|order| swap.one(order));
    let swaps = swaps.buffer_unordered(arguments.outstanding.max(1));
    swaps.try_collect::<()>().await
}
