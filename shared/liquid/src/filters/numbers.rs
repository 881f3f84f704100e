//! Arithmetic. Whole numbers stay whole while they fit; a quotient of whole numbers is whole, as Liquid has it.

use super::{Applied, Whose};
use crate::render::Fault;
use crate::value::{Number, Value};

/// Decimals that are rounded to or shown.
const MOST_DECIMALS: i64 = 12;

fn both(
    call: &Applied<'_, '_>,
    whole: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Result<Value, Fault> {
    let (input, operand) = (call.number(Whose::Input)?, call.number(Whose::Argument(0))?);
    if let (Number::Integer(input), Number::Integer(operand)) = (input, operand)
        && let Some(result) = whole(input, operand)
    {
        return Ok(Value::Integer(result));
    }
    finite(float(input.as_float(), operand.as_float()))
}

fn finite(result: f64) -> Result<Value, Fault> {
    if result.is_finite() { Ok(Value::Float(result)) } else { Err(Fault::NumberTooLarge) }
}

pub(super) fn plus(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    both(call, i64::checked_add, |input, operand| input + operand)
}

pub(super) fn minus(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    both(call, i64::checked_sub, |input, operand| input - operand)
}

pub(super) fn times(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    both(call, i64::checked_mul, |input, operand| input * operand)
}

/// Rounds towards minus infinity where both are whole.
pub(super) fn divided_by(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    divisor(call)?;
    let floored = |input: i64, by: i64| {
        let quotient = input.checked_div(by)?;
        Some(if input % by != 0 && (input < 0) != (by < 0) { quotient - 1 } else { quotient })
    };
    both(call, floored, |input, by| input / by)
}

/// Has the sign of the divisor.
pub(super) fn modulo(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    divisor(call)?;
    let floored = |input: i64, by: i64| {
        let rest = input.checked_rem(by)?;
        Some(if rest != 0 && (rest < 0) != (by < 0) { rest + by } else { rest })
    };
    both(call, floored, |input, by| input - by * (input / by).floor())
}

fn divisor(call: &Applied<'_, '_>) -> Result<(), Fault> {
    if call.number(Whose::Argument(0))?.as_float() == 0.0 { Err(Fault::DividesByZero) } else { Ok(()) }
}

pub(super) fn at_least(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    both(call, |input, bound| Some(input.max(bound)), f64::max)
}

pub(super) fn at_most(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    both(call, |input, bound| Some(input.min(bound)), f64::min)
}

pub(super) fn abs(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    Ok(match call.number(Whose::Input)? {
        Number::Integer(integer) => integer.checked_abs().map_or(Value::Float(-(i64::MIN as f64)), Value::Integer),
        Number::Float(float) => Value::Float(float.abs()),
    })
}

pub(super) fn ceil(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    to_whole(call.number(Whose::Input)?, f64::ceil)
}

pub(super) fn floor(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    to_whole(call.number(Whose::Input)?, f64::floor)
}

/// Half away from zero, to a whole number or to so many decimals.
pub(super) fn round(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let number = call.number(Whose::Input)?;
    match (number, call.whole(0)?.map(|decimals| decimals.clamp(0, MOST_DECIMALS))) {
        (number, None | Some(0)) => to_whole(number, f64::round),
        (Number::Integer(_), Some(_)) => Ok(number.into()),
        (Number::Float(float), Some(decimals)) => Ok(Value::Float(rounded(float, decimals))),
    }
}

fn to_whole(number: Number, by: fn(f64) -> f64) -> Result<Value, Fault> {
    match number {
        Number::Integer(integer) => Ok(Value::Integer(integer)),
        Number::Float(float) => {
            let whole = by(float);
            // The next float above the largest whole number that is held.
            const END: f64 = 9_223_372_036_854_775_808.0;
            if !(-END..END).contains(&whole) {
                return Err(Fault::NumberTooLarge);
            }
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
            Ok(Value::Integer(whole as i64))
        }
    }
}

/// Rounds what is written, not what the float holds: 2.675 to two decimals is 2.68.
fn rounded(float: f64, decimals: i64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most twelve")]
    let scale = 10_f64.powi(decimals as i32);
    let away = (float.abs() * scale).round();
    let away = if (away + 0.5) / scale <= float.abs() { away + 1.0 } else { away };
    let result = (away / scale).copysign(float);
    if result.is_finite() { result } else { float }
}

/// A number as the reader's country writes it, with so many decimals or as many as it has.
pub(super) fn localised(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let number = call.number(Whose::Input)?;
    let decimals = call.whole(0)?.map(|decimals| decimals.clamp(0, MOST_DECIMALS));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to twelve at most")]
    let text = call.locale().number(number, decimals.map(|decimals| decimals as u8));
    call.made(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_rounded() {
        for (float, decimals, expected) in [(2.675, 2, 2.68), (-2.675, 2, -2.68), (1.005, 2, 1.01), (1.0, 3, 1.0)] {
            assert_eq!(rounded(float, decimals).to_bits(), f64::to_bits(expected), "{float}");
        }
    }
}
