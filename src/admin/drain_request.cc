#include "admin/drain_request.h"

#include "config/sections.h"

namespace holdfast::admin {

DrainRequest read_drain(Body& body) {
  using namespace std::chrono_literals;
  DrainRequest request;
  request.rate = body.take("rate", config::rate(config::kRateMin, config::kRateMax));
  request.deadline = body.take("deadline", config::duration(10ms, config::kDay));
  return request;
}

}  // namespace holdfast::admin
