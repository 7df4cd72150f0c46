//! A float arithmetic that sums in some other order than the documented one, and fuses
//! multiplications with additions or not: what hardware and libraries do.
//!
//! A bound for any order must hold for every one of these. Which order is taken depends on a seed
//! and on the terms, and on nothing else, so that a run can be repeated. It may be changed on the
//! way, from step to step.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

use super::{Arithmetic, ArithmeticName, FloatFormat, Function, OpError, Ratio, Surd};

/// The order of the terms of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumOrder {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Backward,
    /// In an order drawn with a seed of 61 bits, and for each sum another one, some as a tree.
    Drawn(u64),
}

impl SumOrder {
    fn code(self, fused: bool) -> u64 {
        let own = match self {
            Self::Forward => 0,
            Self::Backward => 1,
            Self::Drawn(seed) => 2 + (seed << 2),
        };
        own << 1 | u64::from(fused)
    }

    fn of_code(code: u64) -> (Self, bool) {
        let order = match code >> 1 & 3 {
            0 => Self::Forward,
            1 => Self::Backward,
            _ => Self::Drawn(code >> 3),
        };
        (order, code & 1 == 1)
    }
}

/// `inner` with sums in another order.
#[derive(Debug, Clone)]
pub struct Reordered<A> {
    inner: A,
    /// SumOrder and fusing, as one number, which clones share.
    code: Arc<AtomicU64>,
}

impl<A: Arithmetic> Reordered<A> {
    /// Sums in orders drawn with `seed`; with `fused`, x·y + z is rounded once.
    pub fn new(inner: A, seed: u64, fused: bool) -> Self {
        Self::with(inner, SumOrder::Drawn(seed), fused)
    }

    /// Sums in this order.
    pub fn with(inner: A, order: SumOrder, fused: bool) -> Self {
        let code = Arc::new(AtomicU64::new(order.code(fused)));
        Self { inner, code }
    }

    /// Sums in this order from now on, as do all clones. What has been computed already stays as
    /// it is: a machine computes what never changes once, and anew when it is settled.
    pub fn sum_in(&self, order: SumOrder, fused: bool) {
        self.code.store(order.code(fused), Memory::Relaxed);
    }

    fn current(&self) -> (SumOrder, bool) {
        SumOrder::of_code(self.code.load(Memory::Relaxed))
    }

    /// An order of the numbers below `n`, and whether they are added up as a tree.
    fn order(&self, n: usize, salt: u64) -> (Vec<usize>, bool) {
        match self.current().0 {
            SumOrder::Forward => ((0..n).collect(), false),
            SumOrder::Backward => ((0..n).rev().collect(), false),
            SumOrder::Drawn(seed) => (Self::drawn(seed, n, salt), salt.is_multiple_of(3)),
        }
    }

    fn drawn(seed: u64, n: usize, salt: u64) -> Vec<usize> {
        let mut state = seed ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n as u64;
        let mut next = || {
            // SplitMix64 (Steele, Lea and Flood 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, (next() % (i as u64 + 1)) as usize);
        }
        order
    }

    /// x·y + z rounded once, where that is a number.
    fn fused(&self, x: &A::Elem, y: &A::Elem, z: &A::Elem) -> Option<A::Elem> {
        let exact = self.inner.to_ratio(x)? * self.inner.to_ratio(y)? + self.inner.to_ratio(z)?;
        self.inner.from_ratio(&exact).ok()
    }

    fn salt(&self, x: &A::Elem) -> u64 {
        self.inner.approx(x).to_bits()
    }

    /// Adds up `parts` in pairs, as a tree.
    fn tree(&self, mut parts: Vec<A::Elem>) -> A::Elem {
        while parts.len() > 1 {
            let pairs = parts.chunks(2).map(|pair| match pair {
                [x, y] => {
                    let mut sum = self.inner.zero();
                    self.inner.add(&mut sum, x, y);
                    sum
                }
                rest => rest[0].clone(),
            });
            parts = pairs.collect();
        }
        parts.pop().unwrap_or_else(|| self.inner.zero())
    }
}

impl<A: Arithmetic> Arithmetic for Reordered<A> {
    type Elem = A::Elem;

    fn name(&self) -> ArithmeticName {
        self.inner.name()
    }
    fn zero(&self) -> A::Elem {
        self.inner.zero()
    }
    fn from_ratio(&self, q: &Ratio) -> Result<A::Elem, OpError> {
        self.inner.from_ratio(q)
    }
    fn from_integer(&self, n: u64) -> Result<A::Elem, OpError> {
        self.inner.from_integer(n)
    }
    fn from_f64(&self, x: f64) -> Result<A::Elem, OpError> {
        self.inner.from_f64(x)
    }
    fn from_surd(&self, x: &Surd) -> Result<A::Elem, OpError> {
        self.inner.from_surd(x)
    }
    fn set(&self, out: &mut A::Elem, x: &A::Elem) {
        self.inner.set(out, x);
    }
    fn add(&self, out: &mut A::Elem, x: &A::Elem, y: &A::Elem) {
        self.inner.add(out, x, y);
    }
    fn sub(&self, out: &mut A::Elem, x: &A::Elem, y: &A::Elem) {
        self.inner.sub(out, x, y);
    }
    fn mul(&self, out: &mut A::Elem, x: &A::Elem, y: &A::Elem) {
        self.inner.mul(out, x, y);
    }
    fn square(&self, out: &mut A::Elem, x: &A::Elem) {
        self.inner.square(out, x);
    }
    fn neg(&self, out: &mut A::Elem, x: &A::Elem) {
        self.inner.neg(out, x);
    }
    fn accumulate(&self, acc: &mut A::Elem, x: &A::Elem) {
        self.inner.accumulate(acc, x);
    }
    fn sums_whole(&self) -> bool {
        true
    }
    fn sum<'x>(&self, out: &mut A::Elem, terms: impl Iterator<Item = &'x A::Elem> + Clone) {
        let terms: Vec<&A::Elem> = terms.collect();
        let salt = terms.first().map_or(0, |x| self.salt(x));
        let (order, as_tree) = self.order(terms.len(), salt);
        if as_tree && !self.inner.sums_whole() {
            *out = self.tree(order.iter().map(|i| terms[*i].clone()).collect());
        } else {
            self.inner.sum(out, order.iter().map(|i| terms[*i]));
        }
    }
    fn dot<'x>(
        &self,
        out: &mut A::Elem,
        pairs: impl Iterator<Item = (&'x A::Elem, &'x A::Elem)> + Clone,
    ) {
        let pairs: Vec<(&A::Elem, &A::Elem)> = pairs.collect();
        let salt = pairs
            .first()
            .map_or(0, |(x, y)| self.salt(x) ^ self.salt(y));
        let (order, as_tree) = self.order(pairs.len(), salt);
        let mut product = self.inner.zero();
        // What keeps sums in something wider rounds no product.
        if self.inner.sums_whole() {
            self.inner.dot(out, order.iter().map(|i| pairs[*i]));
        } else if self.current().1 {
            *out = self.inner.zero();
            for i in order {
                let (x, y) = pairs[i];
                match self.fused(x, y, out) {
                    Some(sum) => *out = sum,
                    None => self.inner.mul_add(out, x, y, &mut product),
                }
            }
        } else if as_tree {
            let products = order.iter().map(|i| {
                let mut product = self.inner.zero();
                self.inner.mul(&mut product, pairs[*i].0, pairs[*i].1);
                product
            });
            *out = self.tree(products.collect());
        } else {
            self.inner.dot(out, order.iter().map(|i| pairs[*i]));
        }
    }
    fn div(&self, out: &mut A::Elem, x: &A::Elem, y: &A::Elem) -> Result<(), OpError> {
        self.inner.div(out, x, y)
    }
    fn sqrt(&self, out: &mut A::Elem, x: &A::Elem) -> Result<(), OpError> {
        self.inner.sqrt(out, x)
    }
    fn compare(&self, x: &A::Elem, y: &A::Elem) -> Result<Ordering, OpError> {
        self.inner.compare(x, y)
    }
    fn equal(&self, x: &A::Elem, y: &A::Elem) -> Result<bool, OpError> {
        self.inner.equal(x, y)
    }
    fn less(&self, x: &A::Elem, y: &A::Elem) -> Result<bool, OpError> {
        self.inner.less(x, y)
    }
    fn less_equal(&self, x: &A::Elem, y: &A::Elem) -> Result<bool, OpError> {
        self.inner.less_equal(x, y)
    }
    fn abs(&self, out: &mut A::Elem, x: &A::Elem) -> Result<(), OpError> {
        self.inner.abs(out, x)
    }
    fn sign(&self, out: &mut A::Elem, x: &A::Elem) -> Result<(), OpError> {
        self.inner.sign(out, x)
    }
    fn max(&self, out: &mut A::Elem, x: &A::Elem, y: &A::Elem) -> Result<(), OpError> {
        self.inner.max(out, x, y)
    }
    fn min(&self, out: &mut A::Elem, x: &A::Elem, y: &A::Elem) -> Result<(), OpError> {
        self.inner.min(out, x, y)
    }
    fn function(&self, f: Function, out: &mut A::Elem, x: &A::Elem) -> Result<(), OpError> {
        self.inner.function(f, out, x)
    }
    fn atan2(&self, out: &mut A::Elem, y: &A::Elem, x: &A::Elem) -> Result<(), OpError> {
        self.inner.atan2(out, y, x)
    }
    fn power(&self, out: &mut A::Elem, x: &A::Elem, n: u64) -> Result<(), OpError> {
        self.inner.power(out, x, n)
    }
    fn cast(&self, out: &mut A::Elem, x: &A::Elem, to: FloatFormat) -> Result<(), OpError> {
        self.inner.cast(out, x, to)
    }
    fn check(&self, x: &A::Elem) -> Result<(), OpError> {
        self.inner.check(x)
    }
    fn same(&self, x: &A::Elem, y: &A::Elem) -> Result<bool, OpError> {
        self.inner.same(x, y)
    }
    fn to_ratio(&self, x: &A::Elem) -> Option<Ratio> {
        self.inner.to_ratio(x)
    }
    fn show(&self, x: &A::Elem) -> String {
        self.inner.show(x)
    }
    fn approx(&self, x: &A::Elem) -> f64 {
        self.inner.approx(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::F32;

    #[test]
    fn orders_differ_and_a_fused_operation_rounds_once() {
        let terms: Vec<f32> = (1..40).map(|i| 1.0 / i as f32).collect();
        let total = |seed| {
            let mut out = 0.0;
            Reordered::new(F32, seed, false).sum(&mut out, terms.iter());
            out.to_bits()
        };
        assert_eq!(total(1), total(1));
        let different: std::collections::BTreeSet<u32> = (0..20).map(total).collect();
        assert!(different.len() > 1);
        // (1 + 2⁻¹²)² − 1 − 2⁻¹¹ is 2⁻²⁴, of which a rounded product leaves nothing.
        let x = 1.0f32 + 1.0 / 4096.0;
        let z = -1.0f32 - 1.0 / 2048.0;
        let pairs = [(x, x), (z, 1.0)];
        let dot = |seed, fused| {
            let mut out = 0.0;
            let ctx = Reordered::new(F32, seed, fused);
            ctx.dot(&mut out, pairs.iter().map(|(x, y)| (x, y)));
            out
        };
        assert!((0..20).all(|seed| dot(seed, false) == 0.0));
        // Only where the square comes last is it not rounded.
        let found: Vec<f32> = (0..20).map(|seed| dot(seed, true)).collect();
        assert!(found.contains(&0.0) && found.contains(&(1.0 / 16_777_216.0)));
    }

    #[test]
    fn an_order_may_change_on_the_way_and_clones_follow() {
        let terms = [16_777_216.0f32, 1.0, 1.0, -16_777_216.0];
        let first = Reordered::with(F32, SumOrder::Forward, false);
        let ctx = first.clone();
        let total = || {
            let mut out = 7.0;
            ctx.sum(&mut out, terms.iter());
            out
        };
        // 2²⁴ + 1 is 2²⁴ in binary32, and 1 − 2²⁴ is a number.
        assert_eq!(total(), 0.0);
        first.sum_in(SumOrder::Backward, false);
        assert_eq!(total(), 2.0);
        first.sum_in(SumOrder::Drawn(3), false);
        let drawn = total();
        let mut again = 0.0;
        Reordered::new(F32, 3, false).sum(&mut again, terms.iter());
        assert_eq!(drawn, again);
        // Fused, the product that comes last is not rounded.
        let x = 1.0f32 + 1.0 / 4096.0;
        let pairs = [(x, x), (-1.0f32 - 1.0 / 2048.0, 1.0)];
        let dot = |order| {
            let mut out = 0.0;
            first.sum_in(order, true);
            ctx.dot(&mut out, pairs.iter().map(|(x, y)| (x, y)));
            out
        };
        assert_eq!(dot(SumOrder::Forward), 0.0);
        assert_eq!(dot(SumOrder::Backward), 1.0 / 16_777_216.0);
        for order in [
            SumOrder::Forward,
            SumOrder::Backward,
            SumOrder::Drawn((1 << 61) - 1),
        ] {
            for fused in [false, true] {
                assert_eq!(SumOrder::of_code(order.code(fused)), (order, fused));
            }
        }
    }
}
