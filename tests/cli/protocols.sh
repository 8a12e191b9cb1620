# Protocols of training and evaluation; part of run.sh.

# Scores of an evaluation, without what was asked.
errors() {
    scores "$@" | sed '/"protocol"/,/}/d'
}

test_a_model_trained_on_some_points_is_asked_from_the_same() {
    local words=("$shared/train.nc" --codes 12 --updates 200 --train-frames 6 --quiet)
    fieldcast train "${words[@]}" -o m.h5 --observe 0.4 --mask-seed 5
    expect_code 0
    fieldcast evaluate m.h5 "$shared/test.nc" --json
    expect_code 0
    for text in '"observe": 0.4' '"mask": "shared"' '"mask_seed": 5' '"in_s"' '"out_s"'; do
        expect_output "$text"
    done
    cmp -s <(errors m.h5 "$shared/test.nc") <(errors m.h5 "$shared/test.nc" --observe 0.4 \
        --mask shared --mask-seed 5) || fail 'not the mask of the training'
    for other in '--mask-seed 6' '--mask sequence' '--observe 0.3'; do
        ! cmp -s <(errors m.h5 "$shared/test.nc") <(errors m.h5 "$shared/test.nc" $other) ||
            fail "no effect of $other"
    done
    fieldcast evaluate m.h5 "$shared/test.nc" --json --observe 1
    expect_no_output out_s
    fieldcast train "${words[@]}" -o other.h5 --set mask.share=0.4 --set mask.seed=5
    cmp -s <(errors m.h5 "$shared/test.nc") <(errors other.h5 "$shared/test.nc") ||
        fail 'keys of the configuration do something else'
    fieldcast train "$shared/train.nc" -o other.h5 --resume m.h5 --observe 0.5
    expect_code 2
    expect_message '--observe cannot be given with --resume'
    fieldcast train "$shared/train.nc" -o other.h5 --set mask.share=0
    expect_code 2
    expect_message 'mask.share must lie in (0, 1]'
}

test_a_checkpoint_remembers_its_mask() {
    local masked=(--observe 0.4 --mask-seed 3 --every 2)
    fieldcast train "$shared/train.nc" -o whole.h5 "${train_small[@]}" "${masked[@]}" --quiet
    expect_code 0
    start_training "${masked[@]}"
    kill -INT $job || fail 'the training ended before the signal'
    wait $job || true
    fieldcast train "$shared/train.nc" -o m.h5 --resume m.h5 --quiet
    expect_code 0
    cmp -s <(errors m.h5 "$shared/test.nc") <(errors whole.h5 "$shared/test.nc") ||
        fail 'the resumed training is another one'
}

test_other_grids_are_seen_and_asked() {
    fieldcast generate navier-stokes -o fine.nc --sequences 3 --frames 8 --grid 32 --burn-in 4 --seed 2
    fieldcast evaluate "$shared/model.h5" fine.nc --observe-grid 16x8 --json
    expect_code 0
    for text in '"observe_grid": "16x8"' '"observe": 1.0' '"in_s"' '"out_s"'; do
        expect_output "$text"
    done
    fieldcast evaluate "$shared/model.h5" fine.nc --observe-grid 16x16 --observe 0.2
    expect_code 0
    expect_output '20 % of the points on a grid of 16x16 of the first frame observed'
    fieldcast evaluate "$shared/model.h5" fine.nc --observe-grid 16x12
    expect_code 3
    expect_message 'axis y has 32 points; a coarser grid of 12'
    fieldcast evaluate "$shared/model.h5" fine.nc --observe-grid 16
    expect_code 2
    expect_message '--observe-grid 16: must be 2 numbers divided by x'
}

test_forecasts_start_from_later_frames_and_windows() {
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --json --window 3 --observe 0.2
    expect_code 0
    for text in '"window": 3' '"from_frame": 2' '"frame_rel_l2"'; do
        expect_output "$text"
    done
    [ "$(sed -n '/"frame_time"/,/]/p' out | grep -c '[0-9]')" -eq 8 ] || fail 'not 8 frames'
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --window 2 --from-frame 4
    expect_code 0
    expect_output 'of frames 3 to 4 observed'
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --every 3 --from-frame 1 --json
    expect_code 0
    [ "$(sed -n '/"frame_time"/,/]/p' out | grep -c '[0-9]')" -eq 3 ] || fail 'not 3 frames'
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --from-frame 10
    expect_code 2
    expect_message 'frame 10 is to be encoded, and sequence 0 has frames 0 to 9'
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --window 4 --from-frame 2
    expect_code 2
    expect_message 'a window of 4 frames that ends with frame 2'
}
