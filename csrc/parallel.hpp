// One task a galaxy, taken from a shared counter: short tasks and long ones
// (a 128 px stamp, a 4k frame) share out evenly without a queue.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace galedge {

// Calls body(task, worker) for every task below `tasks` on up to `threads`
// threads, the caller's among them. The first exception is rethrown here after
// all threads have stopped.
template <class Body>
void parallel_for(std::size_t tasks, unsigned threads, Body&& body) {
    threads = static_cast<unsigned>(
        std::min<std::size_t>(std::max(1u, threads), std::max<std::size_t>(1, tasks)));
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex guard;
    auto work = [&](unsigned worker) {
        try {
            for (std::size_t task; (task = next.fetch_add(1)) < tasks;) body(task, worker);
        } catch (...) {
            const std::lock_guard<std::mutex> lock(guard);
            if (!failure) failure = std::current_exception();
            next = tasks;
        }
    };
    std::vector<std::thread> helpers;
    helpers.reserve(threads - 1);
    for (unsigned worker = 1; worker < threads; ++worker) helpers.emplace_back(work, worker);
    work(0);
    for (auto& helper : helpers) helper.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace galedge
