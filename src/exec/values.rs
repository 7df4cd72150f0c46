//! What a run starts from: sizes of dimensions, exact tensors and exact hyperparameters.

use std::collections::BTreeMap;

use num_traits::{Signed, Zero};

use crate::arith::{Ratio, Surd, ratio_from_f64};

/// The size of each named dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Sizes(BTreeMap<String, usize>);

impl Sizes {
    /// No sizes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The size of the dimension `name`.
    pub fn get(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }

    /// Sets the size of the dimension `name`.
    pub fn set(&mut self, name: &str, size: usize) {
        self.0.insert(name.to_owned(), size);
    }

    /// Names and sizes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(name, size)| (name.as_str(), *size))
    }
}

impl<S: Into<String>> FromIterator<(S, usize)> for Sizes {
    fn from_iter<I: IntoIterator<Item = (S, usize)>>(sizes: I) -> Self {
        Self(sizes.into_iter().map(|(n, s)| (n.into(), s)).collect())
    }
}

impl<const N: usize> From<[(&str, usize); N]> for Sizes {
    fn from(sizes: [(&str, usize); N]) -> Self {
        sizes.into_iter().collect()
    }
}

/// Values that are not a tensor.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TensorError {
    /// The number of values is not rows times columns.
    #[error("{rows} × {cols} takes {} values, found {found}", rows.saturating_mul(*cols))]
    Count {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
        /// Values given.
        found: usize,
    },
    /// A value is infinite or not a number.
    #[error("the value at row {row}, column {col} (counted from 0) is {found}, not a number")]
    NotFinite {
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        col: usize,
        /// The finding.
        found: f64,
    },
}

/// The exact matrix `scale · values`: every arithmetic rounds the same numbers.
///
/// The values are finite `f64`, row after row; as exact numbers they carry no sign at zero. With
/// a radius the tensor stands for every matrix whose entries are that near to these; an
/// arithmetic of single numbers takes the matrix in the middle.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    rows: usize,
    cols: usize,
    values: Vec<f64>,
    radius: Ratio,
    scale: Surd,
}

impl Tensor {
    /// The `rows × cols` matrix of `values`, given row after row, with scale 1.
    ///
    /// # Errors
    /// [`TensorError`] when the count is wrong or a value is not finite.
    pub fn new(rows: usize, cols: usize, values: Vec<f64>) -> Result<Self, TensorError> {
        if rows.checked_mul(cols) != Some(values.len()) {
            return Err(TensorError::Count {
                rows,
                cols,
                found: values.len(),
            });
        }
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(TensorError::NotFinite {
                row: at / cols,
                col: at % cols,
                found: values[at],
            });
        }
        Ok(Self::of_finite(rows, cols, values))
    }

    /// The same where the caller has made sure of count and finiteness.
    pub(super) fn of_finite(rows: usize, cols: usize, values: Vec<f64>) -> Self {
        Self {
            rows,
            cols,
            values,
            radius: Ratio::zero(),
            scale: Surd::from(1),
        }
    }

    /// Every matrix whose entries are within |`radius`|, before scaling, of the ones here.
    pub fn within(self, radius: &Ratio) -> Self {
        Self {
            radius: radius.abs(),
            ..self
        }
    }

    /// The `rows × cols` matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self::of_finite(rows, cols, vec![0.0; rows * cols])
    }

    /// The same matrix times `factor`; `None` when the roots in the two scales do not combine.
    pub fn scaled_by(&self, factor: &Surd) -> Option<Self> {
        Some(Self {
            scale: self.scale.checked_mul(factor)?,
            ..self.clone()
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The values before scaling, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The common factor of all entries.
    pub fn scale(&self) -> &Surd {
        &self.scale
    }

    /// The radius of each entry, before scaling.
    pub fn radius(&self) -> &Ratio {
        &self.radius
    }

    /// The same for the exact entries; `None` where there is but one matrix.
    pub fn scaled_radius(&self) -> Option<Surd> {
        let radius = Surd::rational(self.radius.clone());
        // A rational combines with any root.
        let scaled = self.scale.checked_mul(&radius)?;
        match (self.radius.is_zero(), scaled.is_negative()) {
            (true, _) => None,
            (false, true) => scaled.checked_mul(&Surd::from(-1)),
            (false, false) => Some(scaled),
        }
    }

    /// The exact entries, row after row.
    pub fn entries(&self) -> impl Iterator<Item = Surd> + '_ {
        self.values.iter().map(|x| self.exact(*x))
    }

    fn exact(&self, value: f64) -> Surd {
        // The constructors admit finite values only, and a rational combines with any root.
        let value = Surd::rational(ratio_from_f64(value).unwrap_or_default());
        self.scale.checked_mul(&value).unwrap_or(value)
    }
}

/// The values of a step's leaves. States start from their own first values and need none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values {
    /// Parameters and data, by leaf name: `A`, `B`, `W0`, `X`, `Y`.
    pub tensors: BTreeMap<String, Tensor>,
    /// Hyperparameters, by leaf name: `lr_A`, `s`.
    pub scalars: BTreeMap<String, Surd>,
}

impl Values {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// `true` if some tensor stands for more than one matrix.
    pub fn has_ranges(&self) -> bool {
        self.tensors.values().any(|t| !t.radius.is_zero())
    }

    /// Sets a parameter or data leaf.
    pub fn set_tensor(&mut self, name: &str, value: Tensor) {
        self.tensors.insert(name.to_owned(), value);
    }

    /// Sets a hyperparameter leaf.
    pub fn set_scalar(&mut self, name: &str, value: impl Into<Surd>) {
        self.scalars.insert(name.to_owned(), value.into());
    }
}
