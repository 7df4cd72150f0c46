//! Symbolic dimensions and shapes.

use std::fmt;
use std::sync::Arc;

/// A matrix dimension: a product of named dimensions. The empty product is 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Dim(Vec<Arc<str>>);

impl Dim {
    /// The dimension 1.
    pub fn one() -> Self {
        Self::default()
    }

    /// The dimension called `name`.
    pub fn named(name: &str) -> Self {
        Self(vec![Arc::from(name)])
    }

    /// The product of two dimensions.
    pub fn times(&self, other: &Self) -> Self {
        let mut names = [self.0.as_slice(), other.0.as_slice()].concat();
        names.sort();
        Self(names)
    }

    /// `true` if this is the dimension 1.
    pub fn is_one(&self) -> bool {
        self.0.is_empty()
    }

    /// The names whose product this is.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The size, given the size of each name; `None` when a name is unknown or the product
    /// does not fit.
    pub fn size(&self, of: impl Fn(&str) -> Option<usize>) -> Option<usize> {
        self.0
            .iter()
            .try_fold(1usize, |n, name| n.checked_mul(of(name)?))
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_one() {
            f.write_str("1")
        } else {
            f.write_str(&self.0.join("·"))
        }
    }
}

/// The shape of a matrix: rows × columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Number of rows.
    pub rows: Dim,
    /// Number of columns.
    pub cols: Dim,
}

impl Shape {
    /// `rows × cols`.
    pub fn new(rows: Dim, cols: Dim) -> Self {
        Self { rows, cols }
    }

    /// 1 × 1.
    pub fn scalar() -> Self {
        Self::new(Dim::one(), Dim::one())
    }

    /// `true` if this is 1 × 1 for every size of the named dimensions.
    pub fn is_scalar(&self) -> bool {
        self.rows.is_one() && self.cols.is_one()
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        Self::new(self.cols.clone(), self.rows.clone())
    }

    /// The number of entries.
    pub fn count(&self) -> Dim {
        self.rows.times(&self.cols)
    }

    /// The shape of an elementwise operation: equal dimensions, or one of them 1.
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let join = |a: &Dim, b: &Dim| match (a.is_one(), b.is_one()) {
            (true, _) => Some(b.clone()),
            (_, true) => Some(a.clone()),
            _ => (a == b).then(|| a.clone()),
        };
        Some(Self::new(
            join(&self.rows, &other.rows)?,
            join(&self.cols, &other.cols)?,
        ))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.rows, self.cols)
    }
}
