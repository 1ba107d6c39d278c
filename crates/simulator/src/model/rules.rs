//! Who may have which dose when: what the documents of `world` say, in other words.

use crate::people::birth_date;
use crate::wish::{Answered, Named};
use crate::world::{FLU, HPV, MMR, MMRV};
use base::time::{Date, add_days, add_months};
use scheduling::refusal::Refusal;

/// Another dose of the same person in the same series.
pub struct Other {
    /// Its number.
    pub dose: u8,
    /// Its product.
    pub product: i64,
    /// Its date.
    pub on: Date,
}

/// The series of a product.
pub fn series_of(product: i64) -> &'static str {
    match product {
        FLU => "FLU",
        HPV => "HPV",
        MMR | MMRV => "MMR",
        _ => "",
    }
}

/// Where the answers are wrong, if they are.
pub fn wrong_answer(product: i64, answered: Answered) -> Option<&'static str> {
    match answered {
        Answered::UnknownVersion => Some("/version"),
        Answered::Nothing if product == MMR => Some("/allergy"),
        Answered::Allergy(answer) if product == MMR && !["yes", "no", "unknown"].contains(&answer) => Some("/allergy"),
        Answered::UnknownQuestion => Some("/shoe_size"),
        Answered::Nothing | Answered::Allergy(_) => None,
    }
}

/// What was answered about allergies.
pub fn allergy(named: &Named) -> Option<&'static str> {
    match named.answered {
        Answered::Allergy(answer) => Some(answer),
        Answered::Nothing => None,
        Answered::UnknownVersion | Answered::UnknownQuestion => Some("no"),
    }
}

/// Whether person `number` may have dose `dose` of `product` on a date.
pub fn may_have(
    number: u32,
    (product, dose, on): (i64, u8, Date),
    allergy: Option<&str>,
    others: &[Other],
) -> Result<(), Refusal> {
    if matches!(product, MMR | MMRV) && others.iter().any(|other| other.product != product) {
        return Err(Refusal::WrongVaccine);
    }
    let born = birth_date(number);
    let months_min = match (product, dose) {
        (FLU, _) => 6,
        (HPV, _) => 9 * 12,
        (_, 0 | 1) => 12,
        _ => 13,
    };
    let old_enough = add_months(born, months_min);
    if on < old_enough {
        return Err(Refusal::TooYoung { earliest: old_enough });
    }
    if product == HPV && on >= add_months(born, 46 * 12) {
        return Err(Refusal::NotEligible);
    }
    let apart = |dose: u8| {
        if matches!(product, MMR | MMRV) && dose >= 2 {
            28
        } else {
            0
        }
    };
    let before = others.iter().filter(|other| other.dose < dose);
    let last = before.clone().max_by_key(|other| (other.dose, other.on));
    let earliest = before
        .map(|other| other.on)
        .chain(last.map(|last| add_days(last.on, apart(dose))))
        .max();
    if let Some(earliest) = earliest.filter(|earliest| on < *earliest) {
        return Err(Refusal::TooSoon { earliest });
    }
    for after in others.iter().filter(|other| other.dose > dose) {
        let is_next = !others.iter().any(|other| other.dose > dose && other.dose < after.dose);
        let earliest = if is_next { add_days(on, apart(after.dose)) } else { on };
        if after.on < earliest {
            return Err(Refusal::TooSoon { earliest });
        }
    }
    if product == MMR && allergy == Some("yes") {
        return Err(Refusal::NotEligible);
    }
    Ok(())
}
