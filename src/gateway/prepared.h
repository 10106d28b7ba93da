// gateway/prepared.h: a change of the configuration that is ready to be made: everything that can fail has been done.
//
// Thread: control. Destroyed without having been applied, it gives back what it holds, and nothing has happened.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "entry/bind_planner.h"
#include "gateway/directory.h"
#include "gateway/worker.h"
#include "net/descriptors.h"

namespace holdfast::gateway {

struct PlannedListener {
  config::Listener settings;
  std::size_t position = 0;
  std::vector<entry::PlannedBind> binds{};  // none when it is to have no address: it was drained, and stays so
};

class Prepared {
 public:
  static constexpr std::int64_t kWorkerDescriptors = 2;

  Prepared(config::Settings settings, RuntimeChanges changes, net::DescriptorBudget& budget)
      : wanted(std::move(settings)), runtime(changes), descriptors(budget) {}
  ~Prepared() { descriptors.give(kWorkerDescriptors * static_cast<std::int64_t>(workers.size())); }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

 private:
  friend class Gateway;

  config::Settings wanted;
  const RuntimeChanges runtime;
  std::vector<PlannedListener> listeners;
  net::DescriptorBudget& descriptors;
  std::vector<std::unique_ptr<Worker>> workers;  // those that come; each has its descriptors
  std::uint64_t made_after = 0;                  // Gateway::changes_ when it was made
};

}  // namespace holdfast::gateway
