//! Tensors for the data of a model that are not just any numbers.

use crate::exec::Tensor;
use crate::exec::random::{DEFAULT_BITS, Draw};
use crate::zoo::Content;

/// The matrix of a content that leaves no choice; `None` for the others.
pub fn only_choice(content: Content, rows: usize, cols: usize) -> Option<Tensor> {
    if !matches!(content, Content::Repeat | Content::Tile) {
        return None;
    }
    let mut values = vec![0.0; rows * cols];
    for row in 0..rows {
        let col = content.column_of_one(rows, cols, row)?;
        *values.get_mut(row * cols + col)? = 1.0;
    }
    Tensor::new(rows, cols, values).ok()
}

/// How a content is drawn at random.
pub fn draw_of(content: Content) -> Draw {
    match content {
        Content::OneHot => Draw::OneHot,
        Content::Mask => Draw::Mask,
        Content::Real | Content::Repeat | Content::Tile => Draw::Normal { bits: DEFAULT_BITS },
    }
}
