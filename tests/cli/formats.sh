# Tests of the formats that the program writes, part of run.sh: every file is read with other
# programs' libraries, by formats.py, and compared with the same fields as CSV.

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")

# The first Python that has these modules goes to $python; without one the test is skipped.
need_python() {
    for python in /usr/bin/python3 python3; do
        "$python" "$here/formats.py" has numpy "$@" 2>/dev/null && return
    done
    skip "no Python with $*"
}

# compare READER FILE TABLE.csv
compare() {
    "$python" "$here/formats.py" "$@" 2>reading || fail "$*: $(tail -n 3 reading)"
}

# forecast_of grid|points|ragged|box OUTPUT...: the same forecast of that layout under all names.
forecast_of() {
    local kind=$1 data model options
    shift
    case $kind in
    grid) data=$shared/test.nc model=$shared/model.h5 options=(--times 0:3:0.5 --grid 12x8 --std) ;;
    points)
        data=$here/../golden/sst_excerpt.nc model=sst.h5
        options=(--at "$(last_dates "$data")" --std)
        ;;
    ragged | box)
        data=$kind.nc model=$kind.h5 options=(--times 0:2:1 --std)
        [ -e "$data" ] || "$python" "$here/formats.py" $kind "$data"
        ;;
    esac
    [ -e "$model" ] || {
        fieldcast train "$data" -o "$model" --codes 4 --updates 20 --quiet
        expect_code 0
    }
    for output; do
        fieldcast forecast "$model" "$data" -o "$output" "${options[@]}"
        expect_code 0
    done
}

# Two dates after the end of the record.
last_dates() {
    local last
    last=$("$program" info "$1" | sed -n 's/.* to \([0-9-]*\)T*[0-9:]*$/\1/p' | tail -n 1)
    date -u -d "$last + 10 days" +%F | tr '\n' ','
    date -u -d "$last + 20 days" +%F
}

test_native_files_open_in_xarray_and_ncdump() {
    need_python xarray netCDF4 h5netcdf
    for kind in grid points ragged; do
        forecast_of $kind $kind.csv out-$kind.nc
        compare xarray out-$kind.nc $kind.csv
        if command -v ncdump >header; then
            ncdump -h out-$kind.nc >header 2>&1 || fail "ncdump: $(cat header)"
            grep -q ':Conventions = "CF-1.11"' header || fail 'no conventions'
        fi
    done
}

test_points_of_a_record_are_cf_time_series() {
    command -v ncdump >header || skip 'no ncdump'
    forecast_of points points.nc
    ncdump -h points.nc >header
    for line in ':featureType = "timeSeries"' 'point_id:cf_role = "timeseries_id"' \
        'longitude:standard_name = "longitude"' 'latitude:units = "degrees_north"' 'latitude:axis = "Y"' \
        'time:standard_name = "time"' ':coordinates = "longitude latitude point_id"' \
        ':ancillary_variables = '; do
        grep -qF "$line" header || fail "no '$line' in $(cat header)"
    done
}

test_xdmf_shows_where_the_fields_lie() {
    need_python h5py netCDF4
    for kind in grid points ragged box; do
        forecast_of $kind $kind.csv out-$kind.xdmf
        [ -s out-$kind.nc ] || fail 'no native file beside the text'
        compare xdmf out-$kind.xdmf $kind.csv
        ! command -v xmllint >found || xmllint --noout out-$kind.xdmf || fail 'no XML'
    done
}

test_vtkhdf_follows_its_specification() {
    need_python h5py netCDF4
    for kind in grid points box; do
        forecast_of $kind $kind.csv $kind.vtkhdf
        compare vtkhdf $kind.vtkhdf $kind.csv
    done
}

test_vtk_reads_vtkhdf() {
    need_python h5py netCDF4 vtk
    "$python" "$here/formats.py" box box.nc
    fieldcast train box.nc -o box.h5 --codes 2 --updates 20 --quiet
    for options in --std '--points points.csv'; do
        printf 'x,y,height\n0.1,0.2,0.3\n0.5,0.75,0.1\n' >points.csv
        for output in one.csv one.vtkhdf; do
            fieldcast forecast box.h5 box.nc -o $output --times 1 $options
            expect_code 0
        done
        compare vtk one.vtkhdf one.csv
    done
}

test_generated_data_are_a_dataset_of_the_well() {
    need_python h5py
    fieldcast generate navier-stokes -o well.h5 --format well "${small[@]}"
    expect_code 0
    fieldcast generate navier-stokes -o data.csv "${small[@]}"
    compare well well.h5 data.csv
}

test_a_table_comes_back_as_query_points() {
    # Quotes, dates and empty cells stand in the table beside the coordinates.
    forecast_of points points.csv
    head -n 1 points.csv | grep -q '^sequence,time,date,longitude,latitude,' || fail "$(head -n 1 points.csv)"
    { head -n 1 points.csv && grep -m 5 '^0' points.csv; } >some.csv
    sed -e '1s/longitude/"longitude"/' -e '2s/,[^,]*$/,/' -e '3s/\([^,]*\),/"\1",/' some.csv >quoted.csv
    for table in some quoted; do
        fieldcast forecast sst.h5 "$here/../golden/sst_excerpt.nc" -o $table.nc.csv \
            --times 30 --points $table.csv
        expect_code 0
    done
    cmp some.nc.csv quoted.nc.csv || fail 'a quoted table is read differently'
    [ "$(wc -l <some.nc.csv)" -eq 6 ] || fail "$(cat some.nc.csv)"
    cmp <(cut -d, -f4,5 some.csv) <(cut -d, -f4,5 some.nc.csv) || fail 'the points have changed'
}

test_formats_are_chosen_by_name_or_as_asked() {
    fieldcast generate navier-stokes -o data --format xdmf "${small[@]}"
    expect_code 0
    fieldcast generate navier-stokes -o other.nc --format xdmf "${small[@]}"
    expect_only data data.nc other.nc other.xdmf
    cmp data.nc other.nc || fail 'the same data differ'
    fieldcast generate navier-stokes -o data.txt "${small[@]}"
    expect_code 2
    expect_message '--format'
    fieldcast generate navier-stokes -o - --format vtkhdf "${small[@]}"
    expect_code 2
    expect_message 'CSV'
    fieldcast generate navier-stokes -o a.nc --format netcdf "${small[@]}"
    expect_code 2
    expect_only data data.nc other.nc other.xdmf
}

test_xdmf_spares_a_file_that_is_not_its_own() {
    echo 'measurements' >test.nc
    fieldcast generate navier-stokes -o test.xdmf "${small[@]}"
    expect_code 2
    expect_message 'test.nc'
    [ "$(cat test.nc)" = measurements ] || fail 'the file was replaced'
    rm test.nc
    for _ in once again; do
        fieldcast generate navier-stokes -o test.xdmf "${small[@]}"
        expect_code 0
    done
    expect_only test.nc test.xdmf
}

test_what_a_format_cannot_hold_is_refused_helpfully() {
    printf 'x,y\n0.1,0.2\n0.5,0.75\n' >points.csv
    fieldcast forecast "$shared/model.h5" "$shared/test.nc" -o f.h5 --format well --times 1 \
        --points points.csv
    expect_code 3
    expect_message 'scattered points'
    expect_message 'native files (.nc)'
    expect_only points.csv
}

test_no_format_leaves_anything_on_a_full_disk() {
    # A limit on the size of files stands in for a full disk.
    for words in '-o f.xdmf' '-o f.vtkhdf' '-o f.h5 --format well' '-o f.csv' '-o f.nc'; do
        code=0
        (
            trap '' XFSZ
            ulimit -f 16
            exec "$program" generate navier-stokes "${small[@]}" $words
        ) >out 2>err || code=$?
        expect_code 6
        expect_only
    done
    for name in no/f.xdmf no/f.vtkhdf no/f.csv; do
        fieldcast generate navier-stokes -o $name "${small[@]}"
        expect_code 6
        expect_message no/f
    done
}
