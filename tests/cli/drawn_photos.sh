# Read by tests that retrain on drawn photos, with $build and the number of photos a class, $drawn, set: goes into a
# folder that is gone in the end, with photos/ in it; sets $module and $scratch.
module=$RETRAIN_SHARED/reference/modules/mobilenet_v1_025_128_feature_vector
[ -e "$module" ] || { echo "skipped: no $module"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$build/tools/traffic_lights/traffic_lights" photos "$drawn"
