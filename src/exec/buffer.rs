//! A buffer, and which of its entries are undefined for what reason.

use nalgebra::{DMatrix, Dyn, VecStorage};

use crate::arith::OpError;
use crate::graph::NodeId;

/// The origin of an undefined entry.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    pub node: NodeId,
    pub entry: (usize, usize),
    pub source: OpError,
}

/// The causes of one step, in the order in which they occurred. A cause is known by its number,
/// counted from 1; 0 stands for "defined". So the smaller of two numbers is the earlier cause.
#[derive(Debug, Clone, Default)]
pub(super) struct Causes(Vec<Cause>);

pub(super) type CauseNumber = u32;

impl Causes {
    pub fn record(&mut self, cause: Cause) -> CauseNumber {
        // Beyond the last number causes are told apart no longer: the last one stands for all.
        if self.0.len() < CauseNumber::MAX as usize {
            self.0.push(cause);
        }
        self.0.len() as CauseNumber
    }

    /// The cause with a number that [`Causes::record`] gave out.
    pub fn get(&self, number: CauseNumber) -> &Cause {
        &self.0[number as usize - 1]
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn forget_after(&mut self, count: usize) {
        self.0.truncate(count);
    }
}

/// The matrix of one node. An undefined entry holds zero.
#[derive(Debug, Clone)]
pub(super) struct Buffer<E> {
    pub matrix: DMatrix<E>,
    /// One number per entry, column after column; stays empty until the first undefined entry.
    numbers: Vec<CauseNumber>,
    undefined: bool,
}

impl<E: nalgebra::Scalar> Default for Buffer<E> {
    /// An empty stand-in without memory of its own.
    fn default() -> Self {
        let storage = VecStorage::new(Dyn(0), Dyn(0), Vec::new());
        Self {
            matrix: DMatrix::from_data(storage),
            numbers: Vec::new(),
            undefined: false,
        }
    }
}

impl<E: nalgebra::Scalar> Buffer<E> {
    pub fn filled((rows, cols): (usize, usize), zero: &E) -> Self {
        Self {
            matrix: DMatrix::from_element(rows, cols, zero.clone()),
            numbers: Vec::new(),
            undefined: false,
        }
    }

    /// `true` if some entry is undefined.
    pub fn has_undefined(&self) -> bool {
        self.undefined
    }

    /// The number of the cause for which the entry at `index` is undefined, or 0.
    pub fn number(&self, index: usize) -> CauseNumber {
        if self.undefined {
            self.numbers[index]
        } else {
            0
        }
    }

    /// The same for the entry at `row`, `col`.
    pub fn number_at(&self, row: usize, col: usize) -> CauseNumber {
        self.number(row + col * self.matrix.nrows())
    }

    /// The earliest cause of an undefined entry.
    pub fn earliest(&self) -> Option<CauseNumber> {
        if !self.undefined {
            return None;
        }
        self.numbers.iter().copied().filter(|n| *n > 0).min()
    }

    /// Before every entry is written anew.
    pub fn declare_all_defined(&mut self) {
        self.undefined = false;
    }

    /// Notes that the entry at `index` is undefined.
    pub fn mark(&mut self, index: usize, number: CauseNumber) {
        if !self.undefined {
            self.numbers.clear();
            self.numbers.resize(self.matrix.len(), 0);
            self.undefined = true;
        }
        self.numbers[index] = number;
    }
}
