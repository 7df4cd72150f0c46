//! What the data of a model are.

use serde::Deserialize;

/// The content of a data leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Any real numbers.
    #[default]
    Real,
    /// One 1 in each row, 0 elsewhere: classes, or the words that an embedding looks up.
    OneHot,
    /// 0 where an entry is dropped, 1 where it is kept.
    Mask,
    /// The 0/1 matrix that repeats each row of what it is multiplied with: row i holds its 1 in
    /// column ⌊i / (rows / columns)⌋.
    Repeat,
    /// The 0/1 matrix that stacks copies of what it is multiplied with: row i holds its 1 in
    /// column i mod columns.
    Tile,
}

impl Content {
    /// The column in which a row of a matrix that leaves no choice holds its 1; `None` for the others.
    pub fn column_of_one(self, rows: usize, cols: usize, row: usize) -> Option<usize> {
        match self {
            Self::Repeat => row.checked_div(rows.checked_div(cols)?),
            Self::Tile => row.checked_rem(cols),
            Self::Real | Self::OneHot | Self::Mask => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeating_and_stacking_rows() {
        let ones = |content: Content| -> Vec<Option<usize>> {
            (0..6).map(|i| content.column_of_one(6, 2, i)).collect()
        };
        assert_eq!(ones(Content::Repeat), [0, 0, 0, 1, 1, 1].map(Some));
        assert_eq!(ones(Content::Tile), [0, 1, 0, 1, 0, 1].map(Some));
        assert_eq!(ones(Content::Mask), [None; 6]);
        assert_eq!(Content::Repeat.column_of_one(0, 0, 0), None);
    }
}
