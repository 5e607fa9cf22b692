use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::{Error, drawing};

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(include_bytes!("../fonts/Inter-Regular.otf").to_vec());
    fonts.load_font_data(include_bytes!("../fonts/Inter-SemiBold.otf").to_vec());
    fonts.set_sans_serif_family("Inter");
    Arc::new(fonts)
});

/// The pixels of an SVG, `scale` of them for each of its units. The same SVG gives the same bytes.
///
/// # Errors
/// [`Error::Drawing`] where it is no SVG, or has no size.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, Error> {
    let options = Options { fontdb: FONTS.clone(), font_family: "Inter".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(drawing)?;
    let size = tree.size().to_int_size().scale_by(scale).ok_or(Error::Empty("a picture without a size"))?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).ok_or(Error::Empty("a picture that is too large for its pixels"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(drawing)
}
