// load/mqtt/model.h: the MQTT clients of a run, from dialling to their end; what they do is a traffic's.
//
// Thread: one loop's. Cost: nothing is allocated for a message; bytes that do not fit wait in chunks of a pool.
// Life:   begin() dials; settled() tells that all are ready (or have failed); start() begins the traffic; drained()
//         tells that nothing is under way any more; finish() counts what is missing and says DISCONNECT.
// Limits: MqttSettings::clients, of which at most kGreetingMax are on their way to being ready; packets of at most the
//         message and kPacketExtraBytes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/slab.h"
#include "load/mqtt/payload.h"
#include "load/mqtt/settings.h"
#include "load/pacer.h"
#include "load/window.h"
#include "net/buffer_pool.h"
#include "net/loop.h"
#include "net/timer_wheel.h"
#include "net/transport.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::load {

class MqttModel : public net::Loop::Source, public net::TimerWheel::Owner {
 public:
  static constexpr std::uint32_t kGreetingMax = 64;
  static constexpr std::size_t kPacketExtraBytes = 64 * 1024;

  MqttModel(net::Loop& loop, const MqttSettings& settings, const Window& window);
  virtual ~MqttModel();
  MqttModel(const MqttModel&) = delete;
  MqttModel& operator=(const MqttModel&) = delete;

  // Errors: descriptors ran out.
  [[nodiscard]] base::Result<void> begin();
  [[nodiscard]] virtual bool settled() const { return dialled_ == wanted() && greeting_ == 0; }
  virtual void start() {}  // the window has opened
  virtual void tend() {}   // every some milliseconds, from begin() on until the window is over
  [[nodiscard]] virtual bool drained() { return true; }
  // Nothing more can come of it, however much time is left.
  [[nodiscard]] virtual bool done() const { return tally_.open == 0; }
  void finish();

  [[nodiscard]] const MqttTally& tally() const noexcept { return tally_; }
  // When a message or an acknowledgement came last.
  [[nodiscard]] base::Time last_arrival() const noexcept { return arrived_; }

 protected:
  struct Client {
    // greeting: CONNECT is sent; subscribing: SUBSCRIBE is sent.
    enum class State : std::uint8_t { dialling, greeting, subscribing, ready };

    net::Transport transport;
    net::TimerWheel::Node deadline;
    net::BufferChain unsent;
    net::BufferChain partial;  // the beginning of a packet whose rest has not come
    base::Time counted_from;   // connect: of its latency
    std::uint32_t number = 0;
    std::uint16_t receive_maximum = 65'535;
    State state = State::dialling;
    bool resuming = false;  // the loop was asked to go on reading
  };

  // What a traffic adds. Each may lose the client it is given, and any other.
  [[nodiscard]] virtual std::uint32_t wanted() const { return settings_.clients; }
  [[nodiscard]] virtual std::string filter_of(std::uint32_t) const { return {}; }  // empty: it subscribes to nothing
  virtual void on_begin() {}
  virtual void fill() { dial_more(); }  // dials what is missing
  virtual void on_welcome(base::Key, Client&) {}
  // False: this message cannot be; the client is lost for it.
  [[nodiscard]] virtual bool on_message(base::Key, Client&, const wire::mqtt::Publish&) { return false; }
  [[nodiscard]] virtual bool on_ack(base::Key, Client&, const wire::mqtt::Ack&) { return false; }
  virtual void on_pong(base::Key, Client&) {}
  virtual void on_writable(base::Key, Client&) {}        // all that waited has gone
  virtual void on_pace() {}                              // the pacer's time has come
  virtual void on_gone(std::uint32_t, Client::State) {}  // client `number`, which was in that state, is no more
  virtual void after_event() {}                          // what arrivals have made possible may be sent now
  virtual void on_finish() {}

  void dial_more();  // up to kGreetingMax at a time, in all wanted()
  void dial(std::uint32_t number, base::Time counted_from);
  void lose(base::Key key, Failure failure);  // counts it and drops
  void drop(base::Key key);                   // closes, counts nothing
  void disconnect(base::Key key);             // DISCONNECT, and drops

  // False: the client was lost over it. What the connection does not take at once waits.
  [[nodiscard]] bool write(base::Key key, Client& client, std::span<const std::byte> bytes);
  // Appends to replies(), which go out when the packets that have come are read.
  [[nodiscard]] wire::mqtt::Bytes& replies() noexcept { return replies_; }
  // Appends a PUBLISH of the run's QoS and size.
  void append_message(wire::mqtt::Bytes& out, std::string_view topic, std::uint16_t packet_id, const MqttStamp& stamp);
  [[nodiscard]] std::string topic_of(std::uint32_t number) const;  // that publisher `number` writes to
  [[nodiscard]] std::string all_topics() const { return prefix_ + "+"; }
  // When the bytes that are being looked at were read.
  [[nodiscard]] base::Time arrived() const noexcept { return arrived_; }

  [[nodiscard]] bool v5() const noexcept { return settings_.version == wire::mqtt::Version::v5; }
  [[nodiscard]] bool acknowledged() const noexcept { return settings_.qos != wire::mqtt::Qos::at_most_once; }

  net::Loop& loop_;
  const MqttSettings& settings_;
  const Window& window_;
  base::Slab<Client> slab_;
  Pacer pacer_;
  MqttTally tally_;

 private:
  static constexpr std::uint8_t kClientPart = 0;
  static constexpr std::uint8_t kPacerPart = 1;

  void on_ready(net::Token token, net::Ready ready) final;
  void on_resume(net::Token token) final;
  net::TimerWheel::Node& timer_node(std::uint32_t index) noexcept final { return slab_[index].deadline; }
  void on_deadline(std::uint32_t index) final;

  void settle_event();
  [[nodiscard]] base::Result<int> open_socket(std::uint32_t number) const;
  void serve(base::Key key, net::Ready ready);
  void finish_dialling(base::Key key, Client& client, net::Ready ready);
  void read_some(base::Key key, Client& client, net::Ready ready);
  // Handles every whole packet; returns how many bytes those were. Nothing: the client is no more.
  [[nodiscard]] std::optional<std::size_t> handle_packets(base::Key key, std::span<const std::byte> bytes);
  [[nodiscard]] bool handle_packet(base::Key key, Client& client, const wire::mqtt::Header& header,
                                   wire::mqtt::Body body);
  [[nodiscard]] bool handle_publish(base::Key key, Client& client, const wire::mqtt::Header& header,
                                    wire::mqtt::Body body);
  [[nodiscard]] bool handle_ack(base::Key key, Client& client, const wire::mqtt::Header& header, wire::mqtt::Body body);
  [[nodiscard]] bool handle_connack(base::Key key, Client& client, const wire::mqtt::Header& header,
                                    wire::mqtt::Body body);
  [[nodiscard]] bool handle_suback(base::Key key, Client& client, const wire::mqtt::Header& header,
                                   wire::mqtt::Body body);
  [[nodiscard]] bool refuse(base::Key key, Failure failure);  // loses the client; false
  void say_connect(base::Key key, Client& client);
  void become_ready(base::Key key, Client& client);
  void flush(base::Key key, Client& client);
  void arm(base::Key key, base::Duration from_now);
  void take_out(net::BufferChain& chain, std::span<std::byte> into);

  net::TimerWheel timers_;
  const std::uint8_t source_;
  const std::string run_;     // names this run in topics and client identifiers
  const std::string prefix_;  // of all topics
  const std::size_t packet_bytes_max_;
  net::BufferPool pool_;
  std::vector<std::byte> incoming_;
  std::vector<std::byte> filler_;  // a payload
  wire::mqtt::Bytes replies_;
  wire::mqtt::Bytes packet_;  // being made
  base::Time arrived_ = base::Clock::now();
  std::uint32_t dialled_ = 0;
  std::uint32_t greeting_ = 0;  // from dialling until ready
};

}  // namespace holdfast::load
