#include "broker/worker.h"

#include <cstdlib>
#include <string>

#include "base/thread.h"
#include "entry/connection_search.h"

namespace holdfast::broker {

Worker::Worker(const WorkerContext& context, PostOffice& office)
    : context_(with(context, counters_)),
      office_(office),
      source_(loop_.add_source(*this)),
      timers_(*this, loop_.tick()),
      outbox_(office, context.number),
      connections_(loop_, context_, outbox_),
      acceptor_(loop_, static_cast<std::uint16_t>(context.number), {*context.descriptors, 1}, *this),
      orders_(kOrdersMax, loop_),
      searches_(entry::kSearchesMax, loop_) {
  loop_.add_timers(timers_);
}

Worker::~Worker() { stop(); }

WorkerContext Worker::with(WorkerContext context, WorkerCounters& counters) {
  context.counters = &counters;
  return context;
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::search(std::shared_ptr<const ScanOrder> order) {
  if (!searches_.post(std::move(order))) std::abort();  // it has room for all that are under way
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  begin_to_stop();
  thread_.join();
}

void Worker::run() {
  base::begin_thread(("broker-" + std::to_string(context_.number)).c_str());
  acceptor_.refresh();
  loop_.run([this] { at_top_of_turn(); }, [this] { at_end_of_turn(); });
  say_farewell();
}

// A connection that is closed while its client still sends is reset, and what the client was told on its way is lost:
// so what they say is read until they have heard.
void Worker::say_farewell() {
  connections_.tell_all();
  const base::Time patience = base::Clock::now() + kFarewell;
  while (connections_.size() > 0 && base::Clock::now() < patience) {
    loop_.turn(
        patience - base::Clock::now(), [] {}, [this] { connections_.flush(); });
  }
  connections_.end_all();
}

void Worker::at_top_of_turn() {
  connections_.refresh_acl();
  orders_.take([this](Order order) { obey(std::move(order)); });
  searches_.take([this](std::shared_ptr<const ScanOrder> order) { connections_.search(std::move(order)); });
  for (unsigned from = 0; from < office_.workers(); ++from) {
    if (from == context_.number) continue;
    office_.box(from, context_.number).take([this, from](Batch batch) {
      for (Letter& letter : *batch) take_letter(from, std::move(letter));
    });
  }
}

void Worker::take_letter(unsigned from, Letter letter) {
  if (Mail* mail = std::get_if<Mail>(&letter)) {
    connections_.shard().on_mail(from, std::move(*mail), loop_.now());
  } else {
    connections_.adopt(std::move(std::get<Handover>(letter)));
  }
}

void Worker::obey(Order order) {
  if (Identified* answer = std::get_if<Identified>(&order)) return connections_.identified(std::move(*answer));
  if (const PublishOrder* publish = std::get_if<PublishOrder>(&order)) {
    return connections_.shard().publish({.id = {},
                                         .retain = publish->retain,
                                         .topic = publish->topic,
                                         .payload = std::as_bytes(std::span(publish->payload))},
                                        loop_.now());
  }
}

// What the turn has brought is given out: what is due, then what clients get, then what other workers get.
void Worker::at_end_of_turn() {
  const base::Time next = connections_.shard().tick(loop_.now());
  connections_.flush();
  connections_.tell_memory();
  const bool stays = outbox_.post();
  if (next <= loop_.now()) return loop_.resume({source_, 0, {}});
  timers_.arm(0, stays ? base::Tick::not_before(loop_.now()) : base::Tick::not_before(next));
}

std::span<const std::shared_ptr<entry::ListenSocket>> Worker::sockets() const { return context_.listeners->sockets; }

entry::Door Worker::door(std::uint16_t listener) const {
  const Listener& from = context_.listeners->at(listener);
  return {*from.admission, from.settings.proxy_protocol};
}

void Worker::begin(int fd, const base::PeerAddress& client, std::uint16_t listener, entry::Placed placed) {
  connections_.begin(fd, client, listener, placed);
}

void Worker::count_refused(std::uint16_t listener, entry::RefuseReason reason) {
  context_.listeners->at(listener).counters[context_.number]->refused[static_cast<std::size_t>(reason)].add();
}

void Worker::accepting_changed(entry::Accepting now) {
  const bool paused = now == entry::Accepting::paused;
  if (paused) counters_.accept_pauses.add();
  counters_.accept_paused.set(paused ? 1 : 0);
  (void)context_.notices->post(AcceptChanged{context_.number, paused});
}

}  // namespace holdfast::broker
