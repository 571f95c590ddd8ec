// Where a picture lies in its frame. Pure: a scale relative to its own pixels, and the place of its middle relative to the frame's.

export interface Place {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

const SCALE_MAX = 8;

/** The scale at which the picture is wholly in the frame; small pictures are not blown up. */
export function fit_scale(picture: Size, frame: Size): number {
  if (picture.width === 0 || picture.height === 0) return 1;
  return Math.min(1, frame.width / picture.width, frame.height / picture.height);
}

/** Keeps the picture in the frame: no further out than `fit`, no edge further in than the frame's while it is larger. */
export function bounded(place: Place, picture: Size, frame: Size): Place {
  const scale = Math.min(SCALE_MAX, Math.max(fit_scale(picture, frame), place.scale));
  const slack = (size: number, room: number) => Math.max(0, (size * scale - room) / 2);
  const clamp = (value: number, limit: number) => Math.max(-limit, Math.min(limit, value));
  return {
    scale,
    x: clamp(place.x, slack(picture.width, frame.width)),
    y: clamp(place.y, slack(picture.height, frame.height)),
  };
}

/** Another scale with the point under the pointer (relative to the middle of the frame) staying where it is. */
export function scaled_at(place: Place, scale: number, x: number, y: number): Place {
  const by = scale / place.scale;
  return { scale, x: x - (x - place.x) * by, y: y - (y - place.y) * by };
}
