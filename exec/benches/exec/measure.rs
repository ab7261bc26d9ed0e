//! Times of programs, in rounds: noise of the machine hits all alike, and ratios
//! are taken within a round.

use std::time::{Duration, Instant};

use crate::programs::Program;

/// So many rounds; for each program its times. Kubelet also reads until the end
/// of the output and waits for the exit.
pub fn rounds(
    programs: &[Program],
    call: &[&str],
    rounds: usize,
) -> Result<Vec<Vec<Duration>>, String> {
    let mut took = vec![Vec::new(); programs.len()];
    for round in 0..rounds + 10 {
        for turn in 0..programs.len() {
            // Nobody is always the first, or always behind the same one.
            let index = (turn + round) % programs.len();
            let mut command = programs[index].command(call);
            let start = Instant::now();
            let output = command.output();
            let time = start.elapsed();
            output.map_err(|error| format!("{}: {error}", programs[index].name))?;
            // The first are to warm up.
            if round >= 10 {
                took[index].push(time);
            }
        }
    }
    Ok(took)
}

/// One program's times against another's, round by round.
pub fn ratios(of: &[Duration], to: &[Duration]) -> Vec<f64> {
    let rounds = of.iter().zip(to);
    rounds
        .map(|(of, to)| of.as_secs_f64() / to.as_secs_f64())
        .collect()
}

/// Times as numbers.
pub fn microseconds(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e6).collect()
}

/// The lower quartile, the median and the upper quartile.
pub fn median(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| {
        values
            .get(values.len() * quarter / 4)
            .copied()
            .unwrap_or(f64::NAN)
    })
}
