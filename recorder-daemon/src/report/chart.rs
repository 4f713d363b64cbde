//! A step curve as SVG, without colours of its own and without a font: the page's style gives it both.

use plotters::{
    chart::ChartBuilder,
    coord::combinators::BindKeyPoints,
    prelude::{AreaSeries, Circle, IntoDrawingArea, LineSeries, PathElement, SVGBackend},
    style::{Color, IntoFont, RGBColor},
};

// The page's style finds what is drawn by these, and puts its own colours in their place. They are those of
// the light page, so that a drawing that is taken out of it looks right, too.
const RULE: RGBColor = RGBColor(0xdc, 0xdf, 0xe4);
const SOFT: RGBColor = RGBColor(0x56, 0x61, 0x70);
const MARK: RGBColor = RGBColor(0x8a, 0x52, 0x00);
const CURVE: RGBColor = RGBColor(0x0a, 0x5a, 0x9c);

/// What is marked along the x axis. By its shape, for colours are not for everybody.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// A line.
    Start,
    /// A dot.
    Reload,
}

/// What is drawn.
pub(super) struct Chart<'a> {
    /// Where the curve rises, and to what. It begins at 0, at the left, and ends at the right.
    pub(super) steps: &'a [(u64, u64)],
    /// What happened, and where.
    pub(super) marks: &'a [(u64, Mark)],
    /// The beginning of the x axis.
    pub(super) from: u64,
    /// Its end.
    pub(super) end: u64,
    /// Where the x axis has labels.
    pub(super) ticks: Vec<u64>,
    /// What they say.
    pub(super) label: &'a dyn Fn(&u64) -> String,
}

impl Chart<'_> {
    /// The SVG element, of this width and height.
    pub(super) fn svg(&self, size: (u32, u32)) -> String {
        let mut svg = String::new();
        // It can fail at what a backend writes to, and a String takes everything.
        let _ = self.draw(SVGBackend::with_string(&mut svg, size));
        svg
    }

    fn draw(&self, backend: SVGBackend<'_>) -> Result<(), Box<dyn std::error::Error>> {
        let area = backend.into_drawing_area();
        let top = self.steps.last().map_or(1, |&(_, known)| known).max(1);
        let mut chart = ChartBuilder::on(&area)
            .margin_top(10)
            .margin_right(26)
            .x_label_area_size(30)
            .y_label_area_size(44)
            .build_cartesian_2d(
                (self.from..self.end).with_key_points(self.ticks.clone()),
                // Room above, or the end of the curve would lie on the frame.
                0..top + top.div_ceil(12),
            )?;
        let text = ("sans-serif", 13).into_font().color(&SOFT);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(1)
            .bold_line_style(RULE)
            .axis_style(SOFT)
            .label_style(text)
            .x_labels(self.ticks.len())
            .y_labels(5)
            .x_label_formatter(self.label)
            .draw()?;
        let low = top.div_ceil(16);
        chart.draw_series(
            self.marks
                .iter()
                .filter(|(_, mark)| matches!(mark, Mark::Start))
                .map(|&(at, _)| PathElement::new([(at, 0), (at, low)], MARK.stroke_width(2))),
        )?;
        chart.draw_series(
            self.marks
                .iter()
                .filter(|(_, mark)| matches!(mark, Mark::Reload))
                .map(|&(at, _)| Circle::new((at, low), 4, MARK.filled())),
        )?;
        let corners = self.corners();
        chart.draw_series(AreaSeries::new(corners.iter().copied(), 0, CURVE.mix(0.12)))?;
        chart.draw_series(LineSeries::new(corners, CURVE.stroke_width(2)))?;
        area.present()?;
        Ok(())
    }

    /// Both ends of every level and riser.
    fn corners(&self) -> Vec<(u64, u64)> {
        let mut corners = vec![(self.from, 0)];
        let mut level = 0;
        for &(at, known) in self.steps {
            corners.extend([(at, level), (at, known)]);
            level = known;
        }
        corners.push((self.end, level));
        corners
    }
}
