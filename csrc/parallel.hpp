// One task a galaxy, taken from a shared counter: short tasks and long ones
// (a 128 px stamp, a 4k frame) share out evenly without a queue.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace galedge {

// Calls body(task, worker) for every task below `tasks` on up to `threads`
// threads, the caller's among them; those that the system does not grant are done
// without. The first exception is rethrown here after all threads have stopped.
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
    try {
        for (unsigned worker = 1; worker < threads; ++worker) helpers.emplace_back(work, worker);
    } catch (const std::system_error&) {  // a limit on processes or memory
    }
    work(0);
    for (auto& helper : helpers) helper.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace galedge
