"""What a key did, drawn at once."""

from __future__ import annotations

from textual.widget import Widget


def echo(widget: Widget) -> bool:
    """Draw what has changed in a widget now and not with the next frame, which may be a layout of everything.

    False where that cannot be done, for instance because its place is about to change.
    """
    screen, app = widget.screen, widget.app
    compositor = screen._compositor
    if widget._layout_required or not screen.is_current or app._batch_count or widget not in compositor.visible_widgets:
        return False
    compositor.update_widgets({widget})
    app._display(screen, compositor.render_update(screen_stack=app._background_screens))
    return True
