//! What a result does to ratings: Glicko-2 between two, Weng-Lin among many and between teams.

use skillratings::glicko2::{Glicko2Config, Glicko2Rating, glicko2};
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin_multi_team};
use skillratings::{MultiTeamOutcome, Outcomes};

use crate::event::RatingChange;
use crate::ids::PlayerId;
use crate::party::Rating;

/// Weng-Lin on a scale that starts at 1500 with a deviation of 350: half a deviation, as in the paper.
const BETA: f64 = 175.0;
/// No rating gets surer than this, so that everybody can still move.
const SUREST: f64 = 30.0;

/// A player with his team (each his own where there are none) and his rank; 1 is first, equal ranks are a draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) player: PlayerId,
    pub(crate) team: u16,
    pub(crate) rank: u16,
    pub(crate) rating: Rating,
}

/// How the ratings change. Nothing, with fewer than two sides.
pub(crate) fn rate(standings: &[Standing]) -> Vec<RatingChange> {
    let change = |standing: &Standing, value: f64, deviation: f64, volatility: f32| RatingChange {
        player: standing.player,
        before: standing.rating,
        after: Rating {
            value: value as f32,
            deviation: deviation.max(SUREST) as f32,
            volatility,
            matches: standing.rating.matches.saturating_add(1),
        },
    };
    if let [one, two] = standings
        && one.team != two.team
    {
        let of = |rating: &Rating| Glicko2Rating {
            rating: rating.value.into(),
            deviation: rating.deviation.into(),
            volatility: rating.volatility.into(),
        };
        let outcome = match one.rank.cmp(&two.rank) {
            std::cmp::Ordering::Less => Outcomes::WIN,
            std::cmp::Ordering::Equal => Outcomes::DRAW,
            std::cmp::Ordering::Greater => Outcomes::LOSS,
        };
        let (first, second) = glicko2(&of(&one.rating), &of(&two.rating), &outcome, &Glicko2Config::new());
        return vec![
            change(one, first.rating, first.deviation, first.volatility as f32),
            change(two, second.rating, second.deviation, second.volatility as f32),
        ];
    }
    let mut teams: Vec<u16> = standings.iter().map(|standing| standing.team).collect();
    teams.sort_unstable();
    teams.dedup();
    if teams.len() < 2 {
        return Vec::new();
    }
    let members = |team| standings.iter().filter(move |standing| standing.team == team);
    let groups: Vec<(Vec<WengLinRating>, MultiTeamOutcome)> = teams
        .iter()
        .map(|&team| {
            let ratings = members(team)
                .map(|standing| WengLinRating {
                    rating: standing.rating.value.into(),
                    uncertainty: standing.rating.deviation.into(),
                })
                .collect();
            let rank = members(team).map(|standing| standing.rank).min().unwrap_or(u16::MAX);
            (ratings, MultiTeamOutcome::new(rank.into()))
        })
        .collect();
    let borrowed: Vec<_> = groups.iter().map(|(ratings, outcome)| (ratings.as_slice(), *outcome)).collect();
    let after = weng_lin_multi_team(&borrowed, &WengLinConfig { beta: BETA, ..WengLinConfig::new() });
    let mut changes = Vec::with_capacity(standings.len());
    for (team, ratings) in teams.iter().zip(after) {
        for (standing, new) in members(*team).zip(ratings) {
            changes.push(change(standing, new.rating, new.uncertainty, standing.rating.volatility));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ranks: &[(u16, u16)], expected: &str) {
        let standings: Vec<_> = (1u64..)
            .zip(ranks)
            .map(|(id, &(team, rank))| Standing { player: PlayerId(id), team, rank, rating: Rating::default() })
            .collect();
        let mut changes = rate(&standings);
        changes.sort_by_key(|change| change.player);
        let moves: Vec<_> = changes
            .iter()
            .map(|change| match change.after.value.total_cmp(&change.before.value) {
                std::cmp::Ordering::Less => "-",
                std::cmp::Ordering::Equal => "=",
                std::cmp::Ordering::Greater => "+",
            })
            .collect();
        assert_eq!(moves.concat(), expected, "{ranks:?}: {changes:?}");
        assert!(changes.iter().all(|change| change.after.deviation < 350.0 && change.after.matches == 1));
    }

    #[test]
    fn winners_rise_and_losers_fall() {
        check(&[(0, 1), (1, 2)], "+-");
        check(&[(0, 2), (1, 1)], "-+");
        check(&[(0, 1), (1, 1)], "==");
        check(&[(0, 1), (1, 2), (2, 3)], "+=-");
        check(&[(0, 1), (0, 1), (1, 2), (1, 2)], "++--");
        check(&[(0, 1)], "");
        check(&[(0, 1), (0, 1)], "");
    }
}
