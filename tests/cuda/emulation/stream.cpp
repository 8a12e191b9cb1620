/* stream.cpp: streams, events, and graphs captured from streams. What is put into a stream waits
 * there until something waits for it, in an order that a device could have taken, so that a missing
 * synchronisation shows. */
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "internal.h"

namespace emulation
{

constexpr size_t longest_queue = 1024; /* then submitting waits, as on a device */

using clock = std::chrono::steady_clock;

/* A stream's capture, shared by the streams that join it through events. */
struct capture {
    CUstream_st *origin;
    cudaStreamCaptureMode mode;
    std::thread::id thread;
    bool spoiled = false;
    std::vector<work> nodes;
    std::vector<CUstream_st *> streams;
};

/* One cudaEventRecord. */
struct record {
    CUstream_st *stream;
    size_t number; /* what is in the stream before it, run or captured */
    bool done = false;
    clock::time_point when;
    std::shared_ptr<emulation::capture> capture; /* into which it went, if any */
};

} // namespace emulation

struct CUstream_st {
    int device;
    bool blocking; /* takes turns with the legacy default stream */
    std::deque<emulation::work> queue;
    size_t submitted = 0, run = 0;
    std::shared_ptr<emulation::capture> capture;
    size_t captured = 0, joined = 0; /* of this stream's nodes; joined: others wait for them */
};

struct CUevent_st {
    bool timed;
    std::shared_ptr<emulation::record> last;
};

struct CUgraph_st {
    std::shared_ptr<const std::vector<emulation::work>> nodes;
};

struct CUgraphExec_st {
    std::shared_ptr<const std::vector<emulation::work>> nodes;
};

namespace emulation
{

static std::set<CUstream_st *> streams; /* those created */
static std::vector<std::shared_ptr<capture>> captures;
static const bool run_at_once = [] {
    const char *blocking = getenv("CUDA_LAUNCH_BLOCKING");
    return blocking && *blocking == '1';
}();

static CUstream_st *default_stream(int device)
{
    static std::deque<CUstream_st> defaults = [] {
        std::deque<CUstream_st> made;
        for (int i = 0; i < FC_EMULATION_MOST_DEVICES; i++) {
            made.push_back({i, false, {}, 0, 0, nullptr, 0, 0});
        }
        return made;
    }();
    return &defaults[(size_t)device];
}

/* The stream behind a handle; nullptr if there is none or it is another device's. */
static CUstream_st *find(cudaStream_t handle)
{
    if (!handle || handle == cudaStreamLegacy || handle == cudaStreamPerThread) {
        return default_stream(current_device());
    }
    return streams.count(handle) && handle->device == current_device() ? handle : nullptr;
}

bool is_stream(cudaStream_t handle)
{
    return find(handle) != nullptr;
}

bool is_capturing(cudaStream_t handle)
{
    CUstream_st *stream = find(handle);
    return stream && stream->capture;
}

/* ---------------------------------------------------------------- running */

static void run_until(CUstream_st *stream, size_t number)
{
    while (stream->run < number) {
        work next = std::move(stream->queue.front());
        stream->queue.pop_front();
        next(); /* may come here for another stream, but never for a later number of this one */
        stream->run++;
    }
}

static void run_all(CUstream_st *stream)
{
    run_until(stream, stream->submitted);
}

void finish_all()
{
    for (int i = 0; i < FC_EMULATION_MOST_DEVICES; i++) {
        run_all(default_stream(i));
    }
    for (CUstream_st *stream : streams) {
        run_all(stream);
    }
}

cudaError_t finish(cudaStream_t handle)
{
    CUstream_st *stream = find(handle);
    if (!stream) {
        return cudaErrorInvalidResourceHandle;
    }
    run_all(stream);
    return cudaSuccess;
}

/* The legacy default stream takes turns with all blocking streams of its device. */
static cudaError_t take_turns(CUstream_st *stream)
{
    CUstream_st *legacy = default_stream(stream->device);
    if (stream->blocking) {
        run_all(legacy);
    } else if (stream == legacy) {
        for (CUstream_st *other : streams) {
            if (other->blocking && other->device == stream->device) {
                if (other->capture) {
                    other->capture->spoiled = true;
                    return cudaErrorStreamCaptureImplicit;
                }
                run_all(other);
            }
        }
    }
    return cudaSuccess;
}

cudaError_t submit(cudaStream_t handle, work run)
{
    CUstream_st *stream = find(handle);
    if (!stream) {
        return cudaErrorInvalidResourceHandle;
    }
    if (stream->capture) {
        if (stream->capture->spoiled) {
            return cudaErrorStreamCaptureInvalidated;
        }
        stream->capture->nodes.push_back(std::move(run));
        stream->captured++;
        return cudaSuccess;
    }
    cudaError_t error = take_turns(stream);
    if (error) {
        return error;
    }
    stream->queue.push_back(std::move(run));
    stream->submitted++;
    if (run_at_once || stream->queue.size() > longest_queue) {
        run_all(stream);
    }
    return cudaSuccess;
}

cudaError_t forbid_in_capture()
{
    cudaError_t error = cudaSuccess;
    for (auto &capture : captures) {
        bool other_thread = capture->thread != std::this_thread::get_id();
        if (capture->mode == cudaStreamCaptureModeGlobal ||
            (capture->mode == cudaStreamCaptureModeThreadLocal && !other_thread)) {
            capture->spoiled = true;
            error = cudaErrorStreamCaptureUnsupported;
        }
    }
    return error;
}

} // namespace emulation

using namespace emulation;

/* ---------------------------------------------------------------- streams */

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    return call(can_fail::yes, [&] {
        if (flags > cudaStreamNonBlocking) {
            return cudaErrorInvalidValue;
        }
        *stream =
            new CUstream_st{current_device(), flags == cudaStreamDefault, {}, 0, 0, nullptr, 0, 0};
        streams.insert(*stream);
        count_objects(1);
        return cudaSuccess;
    });
}

/* Ends a capture that its stream's destruction cuts short, too. */
static void end_capture(std::shared_ptr<capture> capture)
{
    for (CUstream_st *stream : capture->streams) {
        stream->capture = nullptr;
        stream->captured = stream->joined = 0;
    }
    captures.erase(std::find(captures.begin(), captures.end(), capture));
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    return call(can_fail::no, [&] {
        if (!streams.count(stream)) {
            return cudaErrorInvalidResourceHandle;
        }
        if (stream->capture) {
            end_capture(stream->capture);
        }
        run_all(stream);
        streams.erase(stream);
        delete stream;
        count_objects(-1);
        return cudaSuccess;
    });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = forbid_in_capture();
        CUstream_st *stream = find(handle);
        if (!error && stream && stream->capture) {
            stream->capture->spoiled = true;
            error = cudaErrorStreamCaptureUnsupported;
        }
        return error ? error : finish(handle);
    });
}

cudaError_t cudaDeviceSynchronize()
{
    return call(can_fail::yes, [&] {
        cudaError_t error = forbid_in_capture();
        if (!error) {
            finish_all();
        }
        return error;
    });
}

/* ---------------------------------------------------------------- events */

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    return call(can_fail::yes, [&] {
        *event = new CUevent_st{!(flags & cudaEventDisableTiming), nullptr};
        count_objects(1);
        return cudaSuccess;
    });
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    return call(can_fail::no, [&] {
        if (!event) {
            return cudaErrorInvalidResourceHandle;
        }
        delete event;
        count_objects(-1);
        return cudaSuccess;
    });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle)
{
    return call(can_fail::yes, [&] {
        CUstream_st *stream = find(handle);
        if (!event || !stream) {
            return cudaErrorInvalidResourceHandle;
        }
        auto made = std::make_shared<record>();
        made->stream = stream;
        made->capture = stream->capture;
        made->number = stream->capture ? stream->captured : stream->submitted + 1;
        event->last = made;
        if (stream->capture) {
            return stream->capture->spoiled ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
        }
        return submit(handle, [made] {
            made->done = true;
            made->when = emulation::clock::now();
        });
    });
}

/* Brings the stream into the capture of the event, or marks that it waits for another there. */
static cudaError_t wait_in_capture(CUstream_st *stream, const record &event)
{
    if (!event.capture) {
        stream->capture->spoiled = true;
        return cudaErrorStreamCaptureIsolation;
    }
    if (std::find(captures.begin(), captures.end(), event.capture) == captures.end()) {
        return cudaErrorInvalidValue; /* that capture has ended */
    }
    if (!stream->capture) {
        stream->capture = event.capture;
        stream->captured = stream->joined = 0;
        event.capture->streams.push_back(stream);
    } else if (stream->capture != event.capture) {
        stream->capture->spoiled = event.capture->spoiled = true;
        return cudaErrorStreamCaptureMerge;
    }
    event.stream->joined = std::max(event.stream->joined, event.number);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned)
{
    return call(can_fail::yes, [&] {
        CUstream_st *stream = find(handle);
        if (!event || !stream) {
            return cudaErrorInvalidResourceHandle;
        }
        if (!event->last) {
            return cudaSuccess; /* never recorded */
        }
        if (stream->capture || event->last->capture) {
            return wait_in_capture(stream, *event->last);
        }
        return submit(handle, [awaited = event->last] {
            if (!awaited->done) {
                run_until(awaited->stream, awaited->number);
            }
        });
    });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = event ? forbid_in_capture() : cudaErrorInvalidResourceHandle;
        if (error || !event->last) {
            return error;
        }
        if (event->last->capture) {
            return cudaErrorCapturedEvent;
        }
        if (!event->last->done) {
            run_until(event->last->stream, event->last->number);
        }
        return cudaSuccess;
    });
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    return call(can_fail::no, [&] {
        if (!start || !end || !start->timed || !end->timed || !start->last || !end->last) {
            return cudaErrorInvalidResourceHandle;
        }
        if (!start->last->done || !end->last->done) {
            return cudaErrorNotReady;
        }
        std::chrono::duration<float, std::milli> between = end->last->when - start->last->when;
        *milliseconds = between.count();
        return cudaSuccess;
    });
}

/* ---------------------------------------------------------------- graphs */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    return call(can_fail::yes, [&] {
        if (!find(stream)) {
            return cudaErrorInvalidResourceHandle;
        }
        if (!streams.count(stream)) {
            return cudaErrorStreamCaptureUnsupported; /* a default stream */
        }
        if (stream->capture) {
            return cudaErrorInvalidValue;
        }
        auto begun = std::make_shared<capture>();
        begun->origin = stream;
        begun->mode = mode;
        begun->thread = std::this_thread::get_id();
        begun->streams.push_back(stream);
        captures.push_back(begun);
        stream->capture = begun;
        return cudaSuccess;
    });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph)
{
    *graph = nullptr;
    return call(can_fail::no, [&] {
        CUstream_st *stream = find(handle);
        if (!stream || !stream->capture) {
            return stream ? cudaErrorInvalidValue : cudaErrorInvalidResourceHandle;
        }
        std::shared_ptr<capture> ended = stream->capture;
        if (ended->origin != stream) {
            ended->spoiled = true;
            return cudaErrorStreamCaptureUnmatched;
        }
        bool all_joined =
            std::all_of(ended->streams.begin(), ended->streams.end(), [&](CUstream_st *other) {
                return other == stream || other->joined == other->captured;
            });
        end_capture(ended);
        cudaError_t error = failure(can_fail::yes); /* the capture ends all the same */
        if (error) {
            return error;
        }
        if (ended->spoiled) {
            return cudaErrorStreamCaptureInvalidated;
        }
        if (!all_joined) {
            return cudaErrorStreamCaptureUnjoined;
        }
        auto nodes = std::make_shared<std::vector<work>>(std::move(ended->nodes));
        *graph = new CUgraph_st{nodes};
        count_objects(1);
        return cudaSuccess;
    });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, enum cudaStreamCaptureStatus *status)
{
    return call(can_fail::no, [&] {
        CUstream_st *stream = find(handle);
        if (!stream) {
            return cudaErrorInvalidResourceHandle;
        }
        *status = !stream->capture           ? cudaStreamCaptureStatusNone
                  : stream->capture->spoiled ? cudaStreamCaptureStatusInvalidated
                                             : cudaStreamCaptureStatusActive;
        return cudaSuccess;
    });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long)
{
    return call(can_fail::yes, [&] {
        if (!graph) {
            return cudaErrorInvalidValue;
        }
        *executable = new CUgraphExec_st{graph->nodes};
        count_objects(1);
        return cudaSuccess;
    });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream)
{
    return call(can_fail::yes, [&] {
        return executable && is_stream(stream) ? cudaSuccess : cudaErrorInvalidValue;
    });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    return call(can_fail::yes, [&] {
        if (!executable) {
            return cudaErrorInvalidValue;
        }
        return submit(stream, [nodes = executable->nodes] {
            for (const work &node : *nodes) {
                node();
            }
        });
    });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    return call(can_fail::no, [&] {
        if (!executable) {
            return cudaErrorInvalidValue;
        }
        delete executable;
        count_objects(-1);
        return cudaSuccess;
    });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    return call(can_fail::no, [&] {
        if (!graph) {
            return cudaErrorInvalidValue;
        }
        delete graph;
        count_objects(-1);
        return cudaSuccess;
    });
}
