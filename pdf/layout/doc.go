// Package layout says where a page leaves marks: text, images and filled areas,
// in the order in which they are painted (ISO 32000-2 §7.8, §8, §9).
//
// It is for questions such as whether something covers something else;
// [Cautious] errs on the side of yes. It hides the graphics and text state,
// nested forms, optional content and the widths of fonts. It renders nothing,
// decodes no image and runs no font program: the bounds of text are estimated
// from the widths that the font declares, and a clipping path counts as its
// bounding box. Of transparency it says that there is some.
//
// Pages are hostile. Reading stops with a *pdf.LimitError where content is
// larger or deeper than any honest page, and with a *pdf.MalformedError where
// it cannot be read; then nothing is known of the page.
//
// It does no I/O but through the pdf.Revision, and keeps no state.
package layout
