"""Depth maps fused into a field, of known solids."""

import numpy as np
from shapes import box, box_field, sphere, sphere_field

from wala_blender.geometry.cameras import PUBLISHED, looking_at_origin
from wala_blender.geometry.depth import depth_maps
from wala_blender.geometry.fusion import TRUNCATION, fuse
from wala_blender.geometry.metrics import iou

R = 64


def fused(mesh, directions):
    cameras = [looking_at_origin(*direction, PUBLISHED.distance) for direction in directions]
    return fuse(depth_maps(*mesh, cameras, PUBLISHED.field_of_view), cameras, PUBLISHED.field_of_view, R).numpy()


def test_six_cameras_see_an_asymmetric_box_where_it_is():
    low, high = (-0.9, -0.5, -0.3), (0.5, 0.2, 0.6)
    field, exact = fused(box(low, high), map(PUBLISHED.direction, PUBLISHED.sets[6])), box_field(low, high, R)
    assert field.shape == (R, R, R) and field.dtype == np.float32 and abs(field).max() <= np.float32(TRUNCATION)
    assert iou(field < 0, exact < 0) > 0.95


def test_distances_are_along_the_view():
    field, exact = (
        fused(sphere(0.7), [(0, 0), (90, 0), (180, 0), (270, 0), (0, 90), (0, -90)]),
        sphere_field(0.7, resolution=R),
    )
    assert iou(field < 0, exact < 0) > 0.97
    ahead = (
        np.argmin(abs(exact[R // 2, R // 2, R // 2 + 1 :])) + R // 2 + 1
    )  # the grid point nearest to the surface on the +Z axis
    assert abs(field[R // 2, R // 2, ahead] - exact[R // 2, R // 2, ahead]) < 3e-3


def test_what_no_camera_sees_is_solid():
    field = fused(sphere(0.5), [(0, 0)])  # from +Z
    front, back = field[R // 2, R // 2, -4], field[R // 2, R // 2, 2]
    assert front == np.float32(TRUNCATION) and back == np.float32(-TRUNCATION)
    assert field[2, R // 2, 2] == np.float32(TRUNCATION)  # behind it but beside: the camera sees past the sphere
