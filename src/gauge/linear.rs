//! Sparse linear forms and their elimination.

use super::field::Field;

/// A linear form: coefficients by column, columns ascending, no zero coefficient.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form<F>(Vec<(usize, F)>);

impl<F: Field> Form<F> {
    pub(super) fn zero() -> Self {
        Self(Vec::new())
    }

    /// The form that is one unknown.
    pub(super) fn unknown(column: usize) -> Self {
        Self(vec![(column, F::unit())])
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Column and coefficient of every term.
    pub(super) fn terms(&self) -> impl Iterator<Item = (usize, &F)> {
        self.0.iter().map(|(column, c)| (*column, c))
    }

    pub(super) fn coefficient(&self, column: usize) -> Option<&F> {
        let at = self.0.binary_search_by_key(&column, |(c, _)| *c).ok()?;
        Some(&self.0[at].1)
    }

    /// `factor · self`.
    pub(super) fn scaled(&self, factor: &F) -> Self {
        if factor.is_null() {
            return Self::zero();
        }
        Self(self.0.iter().map(|(c, x)| (*c, x.times(factor))).collect())
    }

    /// `self + factor · other`.
    pub(super) fn plus_scaled(&self, factor: &F, other: &Self) -> Self {
        let mut sum = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let (take_left, take_right) = match (left.peek(), right.peek()) {
                (None, None) => return Self(sum),
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some((l, _)), Some((r, _))) => (l <= r, r <= l),
            };
            let left = if take_left { left.next() } else { None };
            let right = if take_right { right.next() } else { None };
            let (column, value) = match (left, right) {
                (Some((c, x)), None) => (*c, x.clone()),
                (None, Some((c, y))) => (*c, y.times(factor)),
                (Some((c, x)), Some((_, y))) => (*c, x.plus(&y.times(factor))),
                (None, None) => return Self(sum),
            };
            if !value.is_null() {
                sum.push((column, value));
            }
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        self.plus_scaled(&F::unit(), other)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus_scaled(&F::unit().negated(), other)
    }

    /// The value at a vector given by column.
    pub(super) fn at(&self, vector: &[F]) -> F {
        self.terms().fold(F::null(), |sum, (column, c)| {
            sum.plus(&c.times(&vector[column]))
        })
    }

    /// The same equation with first coefficient 1, so that equal constraints compare equal.
    pub(super) fn monic(&self) -> Self {
        match self.0.first() {
            Some((_, lead)) => self.scaled(&lead.inverse()),
            None => self.clone(),
        }
    }
}

/// Equations `form = 0` in echelon form: each row starts with 1 in a column of its own.
///
/// The columns stand in the order in which unknowns are to be eliminated, so the last ones stay
/// free where there is a choice.
#[derive(Debug, Clone)]
pub(super) struct Echelon<F> {
    rows: Vec<Option<Form<F>>>,
}

impl<F: Field> Echelon<F> {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            rows: vec![None; columns],
        }
    }

    /// The rest of `form` after the known equations are used; zero when it follows from
    /// them. Only the leading terms are reduced.
    pub(super) fn reduce(&self, form: &Form<F>) -> Form<F> {
        let mut rest = form.clone();
        while let Some((column, c)) = rest.0.first()
            && let Some(row) = &self.rows[*column]
        {
            rest = rest.plus_scaled(&c.negated(), row);
        }
        rest
    }

    /// Adds an equation; the column that it determines, or `None` when it says nothing new.
    pub(super) fn insert(&mut self, form: &Form<F>) -> Option<usize> {
        let rest = self.reduce(form).monic();
        let column = rest.0.first()?.0;
        self.rows[column] = Some(rest);
        Some(column)
    }

    /// The number of columns from `first` on that are determined by later ones.
    pub(super) fn determined_from(&self, first: usize) -> usize {
        self.rows[first..].iter().flatten().count()
    }

    /// The columns that no equation determines.
    pub(super) fn free(&self) -> impl Iterator<Item = usize> {
        (0..self.rows.len()).filter(|column| self.rows[*column].is_none())
    }

    /// The solution in which the free column `column` is 1 and every other free column 0.
    pub(super) fn solution(&self, column: usize) -> Vec<F> {
        let mut x = vec![F::null(); self.rows.len()];
        x[column] = F::unit();
        for pivot in (0..self.rows.len()).rev() {
            if let Some(row) = &self.rows[pivot] {
                // `x[pivot]` is still 0, so the row's value is that of its other terms.
                x[pivot] = row.at(&x).negated();
            }
        }
        x
    }
}
